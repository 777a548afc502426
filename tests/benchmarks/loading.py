"""What is measured of loading: the first load, all rows again, growth; against bare COPY and other loaders."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg

from tests.benchmarks import data
from tests.benchmarks.measure import BenchmarkError, Book, Comparison, Measurement, Trial
from tests.benchmarks.peers import WAYS, Way, load_with_dlt
from tests.benchmarks.warehouse import Warehouse, create_partitions, psql

FLOOR = "psql \\copy"
PEAK_MB = 500
FLAT_MEMORY, FLAT_TIME = 1.25, 1.5  # of the largest against the smallest; the rest is noise and deeper indexes
DISK_BYTES_PER_ROW = 6_000  # files in all formats, the largest database, and its sorting


@dataclass(frozen=True)
class Subject:
    """A table, the formats it is delivered in, and what it is called in the tables of figures."""

    table: str
    formats: tuple[str, ...]

    @property
    def name(self) -> str:
        """The table without its system."""
        return self.table.partition(".")[2]

    @property
    def first(self) -> str:
        """The case of a first load."""
        return f"{self.name}: first load"

    def again(self, file_format: str) -> str:
        """The case of all rows delivered again."""
        return f"{self.name}: all rows again, {file_format}"

    def one_file(self, file_format: str) -> str:
        """The case of ever larger files."""
        return f"{self.name}: one file, {file_format}"

    def new_rows(self, file_format: str, share: str) -> str:
        """The case of few new rows into ever larger tables."""
        return f"{self.name}: new rows, {share}, {file_format}"


SUBJECTS = (
    Subject("synapse.event_lake", ("ndjson", "parquet")),
    Subject("advert_market.ledger_entries", ("csv",)),
)
SAME, SHARE = "always as many", "1 % of the table"


@dataclass
class Loading:
    """The trials of loading `rows` rows, with peers if their Python is given; slow ones load `peer_rows` at most."""

    server: Warehouse
    rows: int
    runs: int
    peer_rows: int
    peers: Path | None

    def trials(self) -> Iterator[list[Trial]]:
        """Groups of trials to be run in turns; the files of a group go when the next is asked for."""
        for subject in SUBJECTS:
            group = [
                Trial(f"first/{subject.name}/tally-{kind}", partial(self._first, subject, kind))
                for kind in subject.formats
            ]
            group.append(Trial(f"first/{subject.name}/floor", partial(self._floor, subject)))
            if self.peers:
                group += [
                    Trial(
                        f"first/{subject.name}/dlt-{way.name}{'-indexed' * way.indexed}",
                        partial(self._peer, subject, way, self.peers),
                    )
                    for way in WAYS
                ]
            yield group
            for kind in subject.formats:
                yield [Trial(f"again/{subject.name}/{kind}", partial(self._again, subject, kind))]
                yield [
                    Trial(f"growth/{subject.name}/{kind}/{held}", partial(self._growth, subject, kind, held), once=True)
                    for held in self._sizes()
                ]
                shutil.rmtree(self._files, ignore_errors=True)

    def notes(self) -> list[str]:
        """What a reader of the figures must know."""
        if not self.peers:
            return []
        return [
            f"dlt with dicts loads {self._rows_of(WAYS[0]):,} rows and everything else {self.rows:,}:"
            " beyond some 200,000 its rate rises no further.",
            "Peers fill a plain table, without partitions and without an index on any column of the rows, except where"
            " it says `same indexes`. Tally and COPY fill the partitioned table with all its indexes.",
        ]

    @property
    def _files(self) -> Path:
        return self.server.folder / "files"

    def _sizes(self) -> list[int]:
        return [self.rows // 5, self.rows, self.rows * 2]

    def _rows_of(self, way: Way) -> int:
        """Arrow gets through all rows in reasonable time."""
        return self.rows if way.reads_arrow else min(self.rows, self.peer_rows)

    def _file(self, rows: data.Rows, suffix: str, shuffled: bool = False) -> Path:
        """The file of these rows, written when first asked for."""
        order = "shuffled" if shuffled else "ordered"
        path = self._files / f"{rows.table}_{rows.first}_{rows.count}_{order}.{suffix}"
        return path if path.exists() else data.write(rows, path, shuffled)

    def _first(self, subject: Subject, kind: str, book: Book) -> None:
        rows = data.history(subject.table, self.rows)
        with self.server.database() as database:
            loaded = self._load(database, rows, kind, "first")
        book.record(subject.first, f"Tally, {kind}", self.rows, loaded)

    def _floor(self, subject: Subject, book: Book) -> None:
        """What COPY alone costs: clean rows into the same table, its indexes and partitions in place."""
        rows = data.history(subject.table, self.rows)
        file = self._file(rows, "copy")
        system, name = subject.table.split(".")
        table = f"raw_{system}.{name}"
        with self.server.database() as database:
            with psycopg.connect(database) as connection:
                create_partitions(connection, f"raw_{system}", name, rows.months())
            copy = f"\\copy {table} from '{file}' (format csv)"
            copied = self.server.measure(
                [psql(), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--command={copy}", database]
            )
            self.server.expect_rows(database, table, self.rows)
        book.record(subject.first, FLOOR, self.rows, copied)

    def _peer(self, subject: Subject, way: Way, python: Path, book: Book) -> None:
        rows = data.history(subject.table, self._rows_of(way))
        file = self._file(rows, _format_for(subject, way))
        loaded = load_with_dlt(python, self.server, way, file, rows)
        book.record(subject.first, way.label, rows.count, loaded)

    def _again(self, subject: Subject, kind: str, book: Book) -> None:
        """All rows a second time: in another order, so that the file's content is new, and as the very same file."""
        rows, case = data.history(subject.table, self.rows), subject.again(kind)
        with self.server.database() as database:
            first = self._load(database, rows, kind, "first")
            shuffled = self._file(rows, kind, shuffled=True)
            again = self._deliver(database, rows, shuffled, "again", {"loaded": 1, "duplicate": rows.count})
            renamed = self._deliver(database, rows, self._file(rows, kind), "renamed", {"skipped": 1})
        book.record(case, "Tally, first load", self.rows, first)
        book.record(case, "Tally, same rows, other order", self.rows, again)
        book.record(case, "Tally, same file, other name", self.rows, renamed)

    def _growth(self, subject: Subject, kind: str, held: int, book: Book) -> None:
        """One file of `held` rows, then small files of the next day: as many for each size, and 1 % of this one."""
        history = data.history(subject.table, held)
        with self.server.database() as database:
            loaded = self._load(database, history, kind, "first")
            book.record(subject.one_file(kind), _held(held), held, loaded)
            self._file(history, kind).unlink()
            new = 0
            for share, count in ((SAME, self._sizes()[-1] // 100), (SHARE, held // 100)):
                for _ in range(self.runs):
                    loaded = self._load(database, data.increment(history, new, count), kind, f"after-{new}")
                    book.record(subject.new_rows(kind, share), _held(held), count, loaded)
                    new += count

    def _load(self, database: str, rows: data.Rows, kind: str, name: str) -> Measurement:
        """Tally loads one file of rows it has not seen."""
        return self._deliver(database, rows, self._file(rows, kind), name, {"loaded": 1, "accepted": rows.count})

    def _deliver(
        self, database: str, rows: data.Rows, file: Path, name: str, expected: Mapping[str, int]
    ) -> Measurement:
        with self.server.scratch() as landing:
            day = landing / rows.table.replace(".", "/") / f"date={data.DELIVERED_ON}"
            day.mkdir(parents=True)
            os.link(file, day / f"{name}{file.suffix}")
            loaded = self.server.measure([sys.executable, "-m", "tests.benchmarks.tally_load", database, landing])
        found = {key: number for key, number in loaded.told.items() if number}
        if found != expected:
            raise BenchmarkError(f"{file.name}: expected {expected}, and the loader told {found}.")
        return loaded

    def comparisons(self, book: Book) -> Iterator[Comparison]:
        """What is claimed of the figures at hand."""
        for subject in SUBJECTS:
            yield from self._first_comparisons(subject, book)
            for kind in subject.formats:
                yield from self._again_comparisons(subject.again(kind), book)
                yield from self._growth_comparisons(subject, kind, book)

    def _first_comparisons(self, subject: Subject, book: Book) -> Iterator[Comparison]:
        others = [(FLOOR, kind, 1.0) for kind in subject.formats]
        others += [(way.label, _format_for(subject, way), way.goal) for way in WAYS]
        for other, kind, goal in others:
            left, right = book.find(subject.first, f"Tally, {kind}"), book.find(subject.first, other)
            if left and right:
                claim = f"{subject.first}, {kind}: rows a second of Tally / {other}"
                yield Comparison(claim, left.rate / right.rate, goal)

    def _again_comparisons(self, case: str, book: Book) -> Iterator[Comparison]:
        first = book.find(case, "Tally, first load")
        for contender, goal in (("Tally, same rows, other order", 3.0), ("Tally, same file, other name", None)):
            again = book.find(case, contender)
            if first and again:
                claim = f"{case}: speed of {contender.removeprefix('Tally, ')} / first load"
                yield Comparison(claim, first.seconds / again.seconds, goal)

    def _growth_comparisons(self, subject: Subject, kind: str, book: Book) -> Iterator[Comparison]:
        sizes = self._sizes()
        case = subject.one_file(kind)
        files = [series for held in sizes if (series := book.find(case, _held(held)))]
        peaks = [series.peak_bytes / 1e6 for series in files if series.peak_bytes]
        if peaks:
            yield Comparison(f"{case}: peak memory", max(peaks), PEAK_MB, at_most=True, unit="MB")
        if len(peaks) == len(sizes):
            yield Comparison(
                f"{case}: peak memory, largest / smallest", peaks[-1] / peaks[0], FLAT_MEMORY, at_most=True
            )
        case = subject.new_rows(kind, SAME)
        small, large = book.find(case, _held(sizes[0])), book.find(case, _held(sizes[-1]))
        if small and large:
            yield Comparison(
                f"{case}: seconds, largest / smallest", large.seconds / small.seconds, FLAT_TIME, at_most=True
            )


def _held(rows: int) -> str:
    return f"Tally, table of {rows:,}"


def _format_for(subject: Subject, way: Way) -> str:
    """Arrow is read from parquet where there is any; dicts come from text."""
    return subject.formats[-1] if way.reads_arrow else subject.formats[0]
