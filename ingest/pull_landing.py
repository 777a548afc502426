"""Where pulls write: a system's folder of the landing zone. Every write of a pull to disk is in this module.

    <system>/<table>/date=YYYY-MM-DD/pull-<stamp>-<part>.parquet    what loading finds
    <system>/_pull/cursor.json                                      how far the pulls have come
    <system>/_pull/lock, <system>/_pull/*.parquet                   one pull at a time, and its unfinished files

Files are finished in `_pull`, which loading leaves alone, and moved into place together when all of them stand.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from pathlib import Path

import polars as pl
from polars.io.plugins import register_io_source

from ingest.contract import Table
from ingest.errors import ConfigurationError

# A file is loaded in one transaction, and one row group may be as large as its file.
ROWS_PER_FILE = 1_000_000
BYTES_PER_FILE = 256 * 2**20
ROWS_PER_GROUP = 50_000


Types = Mapping[str, pl.DataType]


@dataclass(frozen=True)
class Part:
    """One finished file that loading does not see yet: where it lies, and the place it is meant for."""

    path: Path
    target: Path


class Outbox:
    """The writing side of one system's pulls; use it inside `claimed` only."""

    def __init__(self, landing: Path, system: str) -> None:
        self.landing = landing
        self.system = landing / system
        self.scratch = self.system / "_pull"
        self.cursor_path = self.scratch / "cursor.json"

    def read_cursor(self) -> bytes | None:
        """The cursor of the last pull; None before the first."""
        return self.cursor_path.read_bytes() if self.cursor_path.exists() else None

    def write_cursor(self, content: bytes) -> None:
        """Replace the cursor, so that a reader finds the old or the new one and never a piece."""
        fresh = self.cursor_path.with_suffix(".new")
        with fresh.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self.cursor_path)
        _sync_folder(self.scratch)

    def write(self, table: Table, stamp: datetime, frames: Iterator[pl.DataFrame], types: Types) -> list[Part]:
        """Write frames of these types to as many files as their size asks for; no rows are no file.

        A table that is replaced is exactly one file, if only of no rows: it must never be found in part.
        """
        replaced = table.load_mode == "replace"
        parts: list[Part] = []
        for first in [pl.DataFrame(schema=types)] if replaced else frames:
            name = f"pull-{stamp:%Y%m%dT%H%M%S%fZ}-{len(parts) + 1:04}.parquet"
            part = Part(self.scratch / f"{table.name}.{name}", self._folder(table.name, stamp) / name)
            rows = chain([first], frames) if replaced else _one_file(first, frames)
            # The name inside gives every file a content of its own: a row that goes back to an earlier state is news,
            # but the same bytes as before would be skipped in loading.
            _streamed(rows, types).sink_parquet(
                part.path, row_group_size=ROWS_PER_GROUP, metadata={"tally.pull": name}, sync_on_close="all"
            )
            parts.append(part)
        return parts

    def holds(self, table: str, day: date) -> bool:
        """True when something was delivered for the table on that day, by whomever."""
        return any(self._folder(table, day).glob("*"))

    def discard(self, table: str) -> None:
        """Remove the files of a table that are not to be delivered, finished or not."""
        for path in self.scratch.glob(f"{table}.pull-*.parquet"):
            path.unlink()

    def deliver(self, parts: list[Part]) -> None:
        """Move files to where loading finds them; when this returns, they survive a loss of power."""
        for part in parts:
            part.target.parent.mkdir(parents=True, exist_ok=True)
            part.path.rename(part.target)
        days = {part.target.parent for part in parts}
        for folder in {*days, *(day.parent for day in days), self.system, self.landing}:
            _sync_folder(folder)

    def _folder(self, table: str, day: date) -> Path:
        return self.system / table / f"date={day:%Y-%m-%d}"


@contextmanager
def claimed(landing: Path, system: str) -> Iterator[Outbox]:
    """The outbox of a system, for one pull at a time; what a killed pull left unfinished is removed."""
    outbox = Outbox(landing, system)
    try:
        outbox.scratch.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The landing zone {landing} cannot be written ({error.strerror}); correct TALLY_LANDING."
        ) from error
    with (outbox.scratch / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(
                f"Another pull of {system} is under way in {landing}; let it end first."
            ) from error
        for unfinished in outbox.scratch.glob("*.parquet"):
            unfinished.unlink()
        yield outbox


def _one_file(first: pl.DataFrame, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The frames of one file; whatever is beyond it stays in `frames`."""
    yield first
    rows, size = first.height, first.estimated_size()
    while rows < ROWS_PER_FILE and size < BYTES_PER_FILE:
        frame = next(frames, None)
        if frame is None:
            return
        rows, size = rows + frame.height, size + frame.estimated_size()
        yield frame


def _streamed(frames: Iterator[pl.DataFrame], types: Types) -> pl.LazyFrame:
    """The frames as they come, so that only a row group of them is in memory."""
    return register_io_source(lambda *_: frames, schema=types)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
