"""A landing zone as folders and files, whatever holds them: what is listed, and one in a local folder.

`object_store` is the other kind. What the folders are called and what that means is `landing`'s business.
"""

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from ingest.errors import ConfigurationError

A_FOLDER = "it is a folder, and files lie directly in date=YYYY-MM-DD; move what is in it"


class Children(NamedTuple):
    """The names of what lies directly in a folder, sorted."""

    folders: list[str]
    files: list[str]


@dataclass(frozen=True)
class Entry:
    """A file as the listing shows it, its bytes unread.

    Another `version` means that the bytes may be others; None that nobody can tell. `trouble` says why there is
    nothing to read.
    """

    name: str
    size: int = 0
    version: str | None = None
    trouble: str | None = None


class Zone(Protocol):
    """What a landing zone must be able to do; paths are relative to its root, with slashes."""

    @property
    def identity(self) -> str:
        """Tells this landing zone from any other in which the same paths may hold other files."""

    def children(self, folder: str) -> Children:
        """What lies directly in a folder (the root is ""); nothing when there is no such folder."""

    def files(self, folder: str, subfolders: Sequence[str], wanted: Collection[str]) -> Iterator[tuple[str, Entry]]:
        """The files in the `wanted` ones of a folder's sorted subfolders, sorted: (subfolder, file)."""

    def fetched(self, path: str, entry: Entry) -> AbstractContextManager[tuple[Path, Entry]]:
        """The file on this machine, as long as the context lasts, and what it is called and sized as it was read."""


@dataclass(frozen=True)
class LocalFolder:
    """A landing zone in a folder of this machine."""

    root: Path

    @property
    def identity(self) -> str:
        """The folder's absolute path."""
        return str(self.root.absolute())

    def children(self, folder: str) -> Children:
        """See `Zone`; ConfigurationError when the folder may not be read."""
        found = Children([], [])
        for child in _scan(self.root / folder):
            (found.folders if child.is_dir() else found.files).append(child.name)
        return Children(sorted(found.folders), sorted(found.files))

    def files(self, folder: str, subfolders: Sequence[str], wanted: Collection[str]) -> Iterator[tuple[str, Entry]]:
        """See `Zone`."""
        for name in subfolders:
            if name in wanted:
                children = sorted(_scan(self.root / folder / name), key=lambda child: child.name)
                yield from ((name, _entry(child)) for child in children)

    @contextmanager
    def fetched(self, path: str, entry: Entry) -> Iterator[tuple[Path, Entry]]:
        """The file where it lies."""
        yield self.root / path, entry


def _scan(folder: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as children:
            return list(children)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigurationError(
            f"The landing zone's {folder} cannot be listed ({error.strerror}); correct TALLY_LANDING or the folder."
        ) from error


def _entry(child: "os.DirEntry[str]") -> Entry:
    name = os.fsencode(child.name).decode(errors="backslashreplace")
    if name != child.name:
        return Entry(name, trouble="its name is not UTF-8; rename it")
    if child.is_dir():
        return Entry(name, trouble=A_FOLDER)
    try:
        found = child.stat()
    except OSError:
        return Entry(name)  # gone since, or a link to nowhere: reading it says so
    # Every write moves the change time, and unlike the modification time no archive or copy can set it back.
    return Entry(name, found.st_size, str(found.st_ctime_ns))
