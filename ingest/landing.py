"""The landing zone: which files there are, whose they are, and their decompressed bytes. Rows come later."""

import gzip
import hashlib
import re
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from backports import zstd

from ingest.contract import System, Table
from ingest.errors import ConfigurationError, UnreadableFileError
from ingest.object_store import ObjectStore
from ingest.zone import Entry, LocalFolder, Zone

FORMATS = ("ndjson", "csv", "parquet")
_COMPRESSIONS: dict[str, tuple[str, Callable[..., Any]]] = {"gz": ("gzip", gzip.open), "zst": ("zstd", zstd.open)}
_LEFT_ALONE = (".", "_")  # how the names of files still being written begin, and of notes
_STAMP = re.compile(r"(\d{8}T\d{6})(\d{0,6})Z")  # as `pull` names its files
_LISTINGS_AT_ONCE = 8  # two requests for each of 71 tables, 30 ms each: 5.4 s one by one, 0.9 s so


@dataclass(frozen=True)
class LandingFile:
    """One delivered file. `relative` is its path inside the landing zone, with slashes.

    `path` is where it can be read; in an object store, only the file that `fetched` gives can be. `entry` is what the
    listing said of it, and `is_known` that by it this file's content was loaded before.
    """

    system: str
    table: str
    delivered_on: date
    path: Path
    relative: str
    zone: Zone | None = None
    entry: Entry | None = None
    is_known: bool = False

    @property
    def format(self) -> str:
        """ndjson, csv or parquet; UnreadableFileError for any other ending."""
        suffixes = PurePosixPath(self.relative).name.split(".")[1:]
        if suffixes and suffixes[-1] in _COMPRESSIONS:
            suffixes.pop()
        if not suffixes or suffixes[-1] not in FORMATS:
            raise UnreadableFileError("its name must end in .ndjson, .csv or .parquet, plain or with .gz or .zst")
        return suffixes[-1]

    @property
    def seen_at(self) -> datetime:
        """When the source held what the file says: the instant in its name, else the beginning of its day (UTC)."""
        stamp = _STAMP.search(PurePosixPath(self.relative).name)
        if stamp:
            with suppress(ValueError):  # digits that are no instant
                return datetime.strptime(f"{stamp[1]}{stamp[2] or '0'}+0000", "%Y%m%dT%H%M%S%f%z")
        return datetime.combine(self.delivered_on, time.min, UTC)


def find_files(
    landing: Path | ObjectStore,
    systems: Sequence[System],
    system: str | None = None,
    table: str | None = None,
    delivered_on: date | None = None,
    wanted: Callable[[Table, Collection[date]], Collection[date]] | None = None,
) -> list[LandingFile]:
    """The files of known tables, in loading order: tables parents first, then by delivery day and name.

    Names that start with `.` or `_` are files still being written and are left alone. `wanted` chooses among the days
    that a table has folders of; a folder that is not wanted is not looked into.
    """
    if system is not None and system not in {known.name for known in systems}:
        raise ConfigurationError(f"There is no system {system}; known are {', '.join(s.name for s in systems)}.")
    zone = zone_of(landing)
    chosen = [known for known in systems if system in (None, known.name)]

    def files_of(described: Table) -> list[LandingFile]:
        days = _days_of(zone, described)
        looked_into = {delivered_on} if delivered_on else wanted(described, days.values()) if wanted else days.values()
        return _files_of(zone, described, days, {name for name, day in days.items() if day in looked_into})

    with ThreadPoolExecutor(_LISTINGS_AT_ONCE) as pool:
        present = list(pool.map(lambda known: set(zone.children(known.name).folders), chosen))
        tables = [
            described
            for known, folders in zip(chosen, present, strict=True)
            for described in (*known.tables, *known.private_tables)
            if described.name in folders and table in (None, described.name)
        ]
        return list(chain.from_iterable(pool.map(files_of, tables)))


def find_strangers(landing: Path | ObjectStore, systems: Sequence[System]) -> list[str]:
    """Folders of the landing zone that no contract describes, and date folders without a date: one sentence each."""
    zone = zone_of(landing)
    known = {system.name: {t.name for t in (*system.tables, *system.private_tables)} for system in systems}
    problems = []
    with ThreadPoolExecutor(_LISTINGS_AT_ONCE) as pool:
        systems_present = _shown(zone.children("").folders)
        tables = [
            (system, table)
            for system, children in zip(systems_present, pool.map(zone.children, systems_present), strict=True)
            for table in _shown(sorted((*children.folders, *children.files)))
        ]
        described = [f"{system}/{table}" for system, table in tables if table in known.get(system, ())]
        inside = dict(zip(described, pool.map(zone.children, described), strict=True))
    for system, table in tables:
        folder = f"{system}/{table}"
        if folder not in inside:
            problems.append(f"{folder}: no contract describes this; add it to a contract or remove the folder.")
            continue
        dated = {name for name in inside[folder].folders if _date_of(name)}
        for name in _shown(sorted((*inside[folder].folders, *inside[folder].files))):
            if name not in dated:
                problems.append(f"{folder}/{name}: is not a folder named date=YYYY-MM-DD; rename it.")
    return problems


def zone_of(landing: Path | ObjectStore) -> Zone:
    """What lies there, whichever kind of place it is."""
    return LocalFolder(landing) if isinstance(landing, Path) else landing


def _days_of(zone: Zone, table: Table) -> dict[str, date]:
    """The date folders of a table, in order: name → day."""
    names = zone.children(f"{table.system}/{table.name}").folders
    return {name: day for name in names if (day := _date_of(name))}


def _files_of(zone: Zone, table: Table, days: dict[str, date], wanted: Collection[str]) -> list[LandingFile]:
    folder = f"{table.system}/{table.name}"
    root = zone.root if isinstance(zone, LocalFolder) else Path()
    return [
        LandingFile(table.system, table.name, days[name], root / relative, relative, zone, entry)
        for name, entry in zone.files(folder, list(days), wanted)
        if not entry.name.startswith(_LEFT_ALONE)
        for relative in [f"{folder}/{name}/{entry.name}"]
    ]


def _shown(names: Sequence[str]) -> list[str]:
    return [name for name in names if not name.startswith(_LEFT_ALONE)]


def _date_of(folder: str) -> date | None:
    """The day of `date=YYYY-MM-DD`; no other spelling, or two folders could be of one day."""
    try:
        day = date.fromisoformat(folder.removeprefix("date="))
    except ValueError:
        return None
    return day if folder == f"date={day}" else None


@contextmanager
def fetched(file: LandingFile) -> Iterator[LandingFile]:
    """The file with a `path` that can be read while the context lasts; a local file is given as it is.

    UnreadableFileError when it cannot be had or could not be read anyhow.
    """
    if file.zone is None or file.entry is None:
        yield file
        return
    if file.entry.trouble:
        raise UnreadableFileError(file.entry.trouble)
    _ = file.format  # no download of what nobody can read
    with file.zone.fetched(file.relative, file.entry) as (path, entry):
        yield replace(file, path=path, entry=entry)


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
            if compression == "gzip" and not file.path.stat().st_size:
                raise EOFError  # gzip itself takes no bytes for an empty file
            yield stream, raw
    except EOFError as error:
        raise UnreadableFileError(f"its {compression} stream is cut short") from error
    except (gzip.BadGzipFile, zlib.error, zstd.ZstdError) as error:
        raise UnreadableFileError(f"its {compression} stream is damaged ({error})") from error
    except OSError as error:
        raise UnreadableFileError(f"it cannot be read ({error.strerror or error})") from error
