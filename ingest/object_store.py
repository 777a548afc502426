"""A landing zone in an object store: what lies there, the download of one object, and what went wrong, in a sentence.

The sentences are for anyone's eyes, so of a server's answer they pass on its code and nothing else: an answer to a
wrong signature repeats the request's headers, and with them a session token.
"""

import os
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, InvalidPathError
from obstore.store import S3Store, from_url

from ingest.errors import ConfigurationError, LandingUnreachableError, TallyError, UnreadableFileError
from ingest.zone import A_FOLDER, Children, Entry

# The first that is set. AWS's own two are held to the same form, since obstore panics over a wrong one; it also lets
# AWS_ENDPOINT_URL_S3 win over whatever it is told, so that one may not say anything else than ours.
_ENDPOINTS = ("TALLY_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
# Any of these tells obstore where credentials are. With none it would ask the cloud's metadata address, unbidden.
_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_METADATA_ENDPOINT",
    "AWS_SKIP_SIGNATURE",
)
# A connection that breaks off is taken up again where it did; a store that is not there is told of within seconds.
_RETRIES: Any = {
    "max_retries": 4,
    "backoff": {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=5)},
    "retry_timeout": timedelta(minutes=1),
}
# obstore's default ends every request after 30 s, however well the download of a large file goes on.
_PATIENCE: Any = {"connect_timeout": "5s", "read_timeout": "30s", "timeout": "1d"}
_CHUNK_BYTES = 4 * 1024 * 1024
_ERRORS = (BaseError, FileNotFoundError, ValueError)  # what obstore raises


@dataclass(frozen=True)
class ObjectStore:
    """A landing zone at `s3://bucket/prefix`; the same code serves the other URLs that obstore knows."""

    url: str
    endpoint: str | None = None

    @classmethod
    def from_environment(cls, url: str, environment: Mapping[str, str]) -> "ObjectStore":
        """Read the endpoint; ConfigurationError for a URL that cannot be meant. The store is not asked anything yet."""
        parts = urlsplit(url)
        _refuse_credentials("TALLY_LANDING", parts.netloc)
        if not parts.netloc or parts.query or parts.fragment:
            # What is wrong with it may be a signature in it, so it is not repeated.
            raise ConfigurationError(
                "TALLY_LANDING must be a folder or a bare URL such as s3://bucket/prefix; correct it."
            )
        name = next((name for name in _ENDPOINTS if environment.get(name)), None)
        if name is None or parts.scheme not in ("s3", "s3a"):
            return cls(url.rstrip("/"))
        endpoint = environment[name].rstrip("/")
        _refuse_credentials(name, urlsplit(endpoint).netloc)
        if not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", endpoint):
            raise ConfigurationError(f"{name} must be a bare URL such as https://s3.example.org; correct it.")
        if environment.get("AWS_ENDPOINT_URL_S3", endpoint).rstrip("/") not in ("", endpoint):
            raise ConfigurationError("TALLY_S3_ENDPOINT and AWS_ENDPOINT_URL_S3 name two stores; unset one of them.")
        return cls(url.rstrip("/"), endpoint)

    def __str__(self) -> str:
        return self.url

    @property
    def identity(self) -> str:
        """The URL, and where it is asked for: buckets of two stores may share their name."""
        return f"{self.url} at {self.endpoint}" if self.endpoint else self.url

    @cached_property
    def _store(self) -> Any:
        options: dict[str, Any] = {"client_options": _PATIENCE, "retry_config": _RETRIES}
        if self.endpoint:
            options["config"] = {"endpoint": self.endpoint}
            options["client_options"] = _PATIENCE | {"allow_http": self.endpoint.startswith("http://")}
        for name, value in os.environ.items():
            if name.startswith("AWS_") and not value.isprintable():  # obstore panics, and the others are wrong anyhow
                raise ConfigurationError(f"{name} holds a line break or the like; set it without.")
        try:
            store = from_url(self.url, **options)
        except _ERRORS as error:
            problem = _first_line(error)
            if "Missing " in problem:  # one of a pair of keys
                raise self._without_credentials() from None
            raise ConfigurationError(
                f"TALLY_LANDING is {self.url}, which cannot be used ({problem}); correct it."
            ) from None
        if isinstance(store, S3Store) and not any(map(os.environ.get, _CREDENTIALS)):
            raise self._without_credentials()
        return store

    def children(self, folder: str) -> Children:
        """See `Zone`; LandingUnreachableError or ConfigurationError when the store gives no list."""
        try:
            found = obstore.list_with_delimiter(self._store, folder or None)
        except _ERRORS as error:
            raise self._explained(error) from None
        # A console keeps an empty object `folder/` for each folder; obstore drops its slash and lists it in the folder.
        files = [item["path"] for item in found["objects"] if item["path"] not in ("", folder)]
        return Children(sorted(map(_name, found["common_prefixes"])), sorted(map(_name, files)))

    def files(self, folder: str, subfolders: Sequence[str], wanted: Collection[str]) -> Iterator[tuple[str, Entry]]:
        """See `Zone`. The newest ones in a row are one listing, a thousand files a request; the others one each."""
        newest = list(takewhile(lambda name: name in wanted, reversed(subfolders)))[::-1]
        older = [name for name in subfolders[: len(subfolders) - len(newest)] if name in wanted]
        for block in (*([name] for name in older), newest):
            yield from self._files_of(folder, block)

    def _files_of(self, folder: str, block: Sequence[str]) -> list[tuple[str, Entry]]:
        """The files of one subfolder, or of several with no other after the first of them."""
        if not block:
            return []
        alone = len(block) == 1
        prefix, offset = (f"{folder}/{block[0]}", None) if alone else (folder, f"{folder}/{block[0]}")
        try:
            objects = obstore.list(self._store, prefix, offset=offset, chunk_size=1000).collect()
        except InvalidPathError as error:
            # obstore gives no list with such a key in it, so that folder is told of, and the others listed without it.
            if alone:
                return [(block[0], Entry("*", trouble=f"{_invalid_key(error)}; rename or delete that object"))]
            return [file for name in block for file in self._files_of(folder, [name])]
        except _ERRORS as error:
            raise self._explained(error) from None
        found, among = {}, set(block)
        for item in objects:
            name, *rest = PurePosixPath(item["path"]).relative_to(folder).parts
            if name in among and rest:
                found[name, rest[0]] = _entry(item) if len(rest) == 1 else Entry(rest[0], trouble=A_FOLDER)
        return [(name, entry) for (name, _), entry in sorted(found.items())]

    @contextmanager
    def fetched(self, path: str, entry: Entry) -> Iterator[tuple[Path, Entry]]:
        """See `Zone`: streamed into a temporary file. UnreadableFileError when this object alone cannot be had."""
        with tempfile.TemporaryDirectory(prefix="tally-") as folder:
            # Readers look at the ending of the name only, and a key may be longer than a file's name.
            target = Path(folder) / ("object" + "".join(PurePosixPath(path).suffixes[-2:]))
            yield target, self._download(path, target)

    def _download(self, path: str, target: Path) -> Entry:
        """Write the object to `target`; what it was called and sized when these bytes were sent."""
        try:
            found = obstore.get(self._store, path)
            with target.open("wb") as stream:
                for chunk in found.stream(min_chunk_size=_CHUNK_BYTES):
                    stream.write(chunk)
            return _entry(found.meta)
        except FileNotFoundError:
            reason = "it is not there any more"
        except _ERRORS as error:
            reason = f"its download failed ({_cause(error)})"
        except OSError as error:
            raise UnreadableFileError(f"there is no room to download it ({error.strerror})") from error
        self.children("")  # raises when the whole store is in trouble, and not this object alone
        raise UnreadableFileError(reason) from None

    def _explained(self, error: Exception) -> TallyError:
        """What a listing that failed says of the store or of the settings."""
        cause = _cause(error)
        place = f"{self.url} at {self.endpoint}" if self.endpoint else self.url
        if isinstance(error, InvalidPathError):
            return ConfigurationError(f"In {self.url} {_invalid_key(error)}; rename or delete that object.")
        if "NoSuchBucket" in cause:
            return ConfigurationError(f"There is no bucket for {place}; create it or correct TALLY_LANDING.")
        if "/latest/api/token" in str(error):
            return self._without_credentials()
        if re.search(r"^40[13]|ExpiredToken|InvalidToken", cause):
            return ConfigurationError(
                f"The credentials may not list {place} ({cause}); correct {self._keys}, or what they are allowed."
            )
        if re.search(r"redirect|^3|AuthorizationHeaderMalformed", cause):
            return ConfigurationError(f"{place} is in another region ({cause}); set AWS_REGION to it.")
        if re.match(r"4(?!08|29)", cause):
            return ConfigurationError(f"{place} cannot be listed ({cause}); correct TALLY_LANDING or the endpoint.")
        return LandingUnreachableError(f"The landing zone {place} does not answer ({cause}); try again later.")

    def _without_credentials(self) -> ConfigurationError:
        return ConfigurationError(
            f"There are no credentials for {self.url}; set {self._keys}, or see .env.example for other ways."
        )

    @property
    def _keys(self) -> str:
        """What holds the credentials; other stores than S3 have ways of their own."""
        is_s3 = self.url.startswith(("s3://", "s3a://"))
        return "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" if is_s3 else "those that this kind of store asks for"


def _refuse_credentials(name: str, netloc: str) -> None:
    if "@" in netloc:
        raise ConfigurationError(f"{name} holds a user or a password; take them out and set AWS_ACCESS_KEY_ID instead.")


def _name(path: str) -> str:
    return PurePosixPath(path).name


def _entry(item: Any) -> Entry:
    return Entry(_name(item["path"]), item["size"], item["e_tag"])


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _invalid_key(error: Exception) -> str:
    """obstore's own words name the key and what is wrong with it."""
    return f"an object's key is no path ({_first_line(error).partition('invalid path: ')[2]})"


def _cause(error: Exception) -> str:
    """Why a request failed, in few words: the status and code of an answer, or what the network said."""
    text = str(error)
    if status := re.search(r"status code: (\d+ [\w ]+)", text):
        code = re.search(r"<Code>(\w+)</Code>", text)
        return ", ".join([status[1].strip(), *([code[1]] if code else [])])
    network = re.search(r'(?:message|error): "([^"]*)"', text)
    if network or "TimedOut" in text:
        return network[1] if network else "timed out"
    return "the connection broke off" if "IncompleteBody" in text else _first_line(error).rpartition(": ")[2]
