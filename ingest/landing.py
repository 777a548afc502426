"""The landing zone: which files there are, whose they are, and their decompressed bytes. Rows come later."""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, cast

from backports import zstd

from ingest.contract import System
from ingest.errors import ConfigurationError, UnreadableFileError

FORMATS = ("ndjson", "csv", "parquet")
_COMPRESSIONS: dict[str, tuple[str, Callable[..., Any]]] = {"gz": ("gzip", gzip.open), "zst": ("zstd", zstd.open)}


@dataclass(frozen=True)
class LandingFile:
    """One delivered file. `relative` is its path inside the landing zone, with slashes."""

    system: str
    table: str
    delivered_on: date
    path: Path
    relative: str

    @property
    def format(self) -> str:
        """ndjson, csv or parquet; UnreadableFileError for any other ending."""
        suffixes = self.path.name.split(".")[1:]
        if suffixes and suffixes[-1] in _COMPRESSIONS:
            suffixes.pop()
        if not suffixes or suffixes[-1] not in FORMATS:
            raise UnreadableFileError("its name must end in .ndjson, .csv or .parquet, plain or with .gz or .zst")
        return suffixes[-1]


def find_files(
    landing: Path,
    systems: Sequence[System],
    system: str | None = None,
    table: str | None = None,
    delivered_on: date | None = None,
) -> list[LandingFile]:
    """The files of known tables, in loading order: tables parents first, then by delivery day and name.

    Names that start with `.` or `_` are files still being written and are left alone.
    """
    if system is not None and system not in {known.name for known in systems}:
        raise ConfigurationError(f"There is no system {system}; known are {', '.join(s.name for s in systems)}.")
    found = []
    for known in systems:
        for described in (*known.tables, *known.private_tables):
            if system in (None, known.name) and table in (None, described.name):
                folder = landing / known.name / described.name
                found += [
                    file
                    for file in _files_of(landing, folder, known.name, described.name)
                    if delivered_on in (None, file.delivered_on)
                ]
    return found


def find_strangers(landing: Path, systems: Sequence[System]) -> list[str]:
    """Folders of the landing zone that no contract describes, and date folders without a date: one sentence each."""
    known = {system.name: {t.name for t in (*system.tables, *system.private_tables)} for system in systems}
    problems = []
    for folder in sorted(landing.glob("*/*")):
        system, table = folder.parent.name, folder.name
        if system.startswith((".", "_")) or table.startswith((".", "_")):
            continue
        if table not in known.get(system, ()):
            problems.append(f"{system}/{table}: no contract describes this; add it to a contract or remove the folder.")
            continue
        for day in sorted(folder.iterdir()):
            if not day.name.startswith((".", "_")) and _date_of(day) is None:
                problems.append(f"{system}/{table}/{day.name}: is not a folder named date=YYYY-MM-DD; rename it.")
    return problems


def _files_of(landing: Path, folder: Path, system: str, table: str) -> Iterator[LandingFile]:
    days = sorted((day, path) for path in folder.glob("date=*") if (day := _date_of(path)))
    for day, path in days:
        for file in sorted(path.iterdir()):
            if not file.name.startswith((".", "_")):
                yield LandingFile(system, table, day, file, file.relative_to(landing).as_posix())


def _date_of(folder: Path) -> date | None:
    try:
        return date.fromisoformat(folder.name.removeprefix("date=")) if folder.name.startswith("date=") else None
    except ValueError:
        return None


def content_hash(file: LandingFile) -> tuple[str, int]:
    """SHA-256 of the file as it lies there, and its size in bytes."""
    try:
        with file.path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            return digest, stream.tell()
    except OSError as error:
        raise UnreadableFileError(f"it cannot be read ({error.strerror})") from error


@contextmanager
def open_bytes(file: LandingFile) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The decompressed bytes, and the file they come from, whose position tells how far reading has got.

    What ends too early or is damaged raises UnreadableFileError, also while reading.
    """
    compression, opener = _COMPRESSIONS.get(file.path.suffix.removeprefix("."), ("plain", nullcontext))
    try:
        with file.path.open("rb") as raw, cast(BinaryIO, opener(raw)) as stream:
            yield stream, raw
    except EOFError as error:
        raise UnreadableFileError(f"its {compression} stream is cut short") from error
    except (gzip.BadGzipFile, zlib.error, zstd.ZstdError) as error:
        raise UnreadableFileError(f"its {compression} stream is damaged ({error})") from error
    except OSError as error:
        raise UnreadableFileError(f"it cannot be read ({error.strerror or error})") from error
