"""How fast a table loads and what is left of it, for whoever shows it."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.landing import LandingFile
from ingest.load import Load


@dataclass
class Pace:
    """The loading of one table's new files so far; `bytes_*` count the files as they lie in the landing zone."""

    system: str
    table: str
    bytes_total: int
    began: float | None = None
    rows: int = 0
    bytes_read: int = 0
    rows_before: int = 0
    bytes_before: int = 0

    @property
    def seconds(self) -> float:
        """Since the first file of the table was begun."""
        return max(time.monotonic() - (self.began or 0), 1e-9)

    @property
    def rows_per_second(self) -> int:
        """Of the whole time, what is done beside reading included."""
        return int(self.rows / self.seconds)

    @property
    def share(self) -> float:
        """How much of the table's files has been read, from 0 to 1."""
        return min(self.bytes_read / self.bytes_total, 1.0) if self.bytes_total else 1.0

    @property
    def seconds_left(self) -> int | None:
        """If the rest goes as fast; None before anything was read."""
        return round(self.seconds * (1 - self.share) / self.share) if self.share else None


class Paces:
    """One pace for each table of a loading."""

    def __init__(self) -> None:
        self._paces: dict[tuple[str, str], Pace] = {}
        self._sizes: dict[str, int] = {}
        self._last_heard = time.monotonic()

    def expect(self, files: Sequence[LandingFile]) -> None:
        """These files will be looked at; the known ones among them will not be read."""
        totals: defaultdict[tuple[str, str], int] = defaultdict(int)
        for file in files:
            self._sizes[file.relative] = file.entry.size if file.entry and not file.is_known else 0
            totals[file.system, file.table] += self._sizes[file.relative]
        self._paces |= {(system, table): Pace(system, table, total) for (system, table), total in totals.items()}
        self._last_heard = time.monotonic()

    def read(self, file: LandingFile, rows: int, bytes_read: int) -> Pace:
        """The pace of the file's table, after so much of the file."""
        pace = self._of(file)
        pace.rows = pace.rows_before + rows
        pace.bytes_read = pace.bytes_before + bytes_read
        return pace

    def finish(self, load: Load) -> Pace:
        """The pace of the table, after a file of it is done."""
        pace = self._of(load)
        pace.rows_before = pace.rows = pace.rows_before + load.rows_read
        pace.bytes_before = pace.bytes_read = pace.bytes_before + self._sizes.get(load.path, 0)
        return pace

    def _of(self, part: LandingFile | Load) -> Pace:
        pace = self._paces[part.system, part.table]
        if pace.began is None:
            pace.began = self._last_heard  # what came before was another table's
        self._last_heard = time.monotonic()
        return pace
