"""What is measured of loading: the first load, a re-sent file, growth; against bare COPY and other loaders."""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import psycopg
from psycopg import sql

from tests.benchmarks import data
from tests.benchmarks.measure import BenchmarkError, Book, Comparison, Measurement, Trial, measure
from tests.benchmarks.warehouse import Warehouse, psql

TALLY, FLOOR = "Tally", "psql \\copy"


@dataclass(frozen=True)
class Case:
    """A table and the format it is delivered in."""

    format: str
    table: str

    @property
    def first(self) -> str:
        """Its first load's name in the tables of figures."""
        return f"first load, {self.format}"

    @property
    def resend(self) -> str:
        """A re-delivery in other bytes."""
        return f"all rows again, {self.format}"

    @property
    def renamed(self) -> str:
        """The same bytes under another name."""
        return f"same file again, {self.format}"

    def history(self, rows: int) -> str:
        """One file of so many rows."""
        return f"one file, {self.format}"

    def increment(self, held: int) -> str:
        """New rows into a table that holds so many."""
        return f"new rows into {held:,}, {self.format}"


CASES = (
    Case("ndjson", "synapse.event_lake"),
    Case("parquet", "synapse.event_lake"),
    Case("csv", "advert_market.ledger_entries"),
)


@dataclass
class Loading:
    """The trials of loading `rows` rows, and of peers loading `peer_rows`."""

    warehouse: Warehouse
    rows: int
    runs: int

    def trials(self) -> Iterator[list[Trial]]:
        """Groups of trials that are run in turns."""
        for case in CASES:
            yield [
                Trial(f"first/{case.format}/tally", partial(self._first, case)),
                Trial(f"first/{case.format}/floor", partial(self._floor, case)),
            ]

    def _first(self, case: Case, book: Book) -> None:
        with self.warehouse.database() as database:
            book.record(case.first, TALLY, self.rows, self._load(database, case, data.history(case.table, self.rows)))

    def _load(self, database: str, case: Case, rows: data.Rows, name: str = "first") -> Measurement:
        """Tally loads one file of new rows."""
        return self._deliver(database, case, self._file(rows, case.format), name, {"loaded": 1, "accepted": rows.count})

    def _deliver(self, database: str, case: Case, file: Path, name: str, expected: Mapping[str, int]) -> Measurement:
        with self.warehouse.scratch() as landing:
            day = landing / case.table.replace(".", "/") / f"date={data.DELIVERED_ON}"
            day.mkdir(parents=True)
            os.link(file, day / f"{name}.{case.format}")
            self.warehouse.settle()
            loaded = measure([sys.executable, "-m", "tests.benchmarks.tally_load", database, landing])
        found = {key: number for key, number in loaded.told.items() if number}
        if found != expected:
            raise BenchmarkError(f"{case.table} as {case.format}: expected {expected}, and the loader told {found}.")
        return loaded

    def _floor(self, case: Case, book: Book) -> None:
        """What COPY alone costs: clean rows into the same table, its indexes and partitions in place."""
        rows = data.history(case.table, self.rows)
        file = self._file(rows, "copy")
        system, name = case.table.split(".")
        schema = f"raw_{system}"
        with self.warehouse.database() as database:
            with psycopg.connect(database, autocommit=True) as connection:
                for month in _months(rows):
                    connection.execute(_partition(schema, name, month))
            self.warehouse.settle()
            copy = f"\\copy {schema}.{name} from '{file}' (format csv)"
            copied = measure([psql(), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--command={copy}", database])
            _expect_rows(database, f"{schema}.{name}", self.rows)
        book.record(case.first, FLOOR, self.rows, copied)

    def _file(self, rows: data.Rows, suffix: str, shuffled: bool = False) -> Path:
        """The file of these rows, written when first asked for."""
        order = "shuffled" if shuffled else "ordered"
        path = self.warehouse.folder / "files" / f"{rows.table}_{rows.first}_{rows.count}_{order}.{suffix}"
        return path if path.exists() else data.write(rows, path, shuffled)

    def comparisons(self, book: Book) -> Iterator[Comparison]:
        """What is claimed of the figures at hand."""
        for case in CASES:
            tally, floor = book.find(case.first, TALLY), book.find(case.first, FLOOR)
            if tally and floor:
                yield Comparison(f"{case.first}: Tally against {FLOOR}", tally.rate / floor.rate, 1.0)


def _months(rows: data.Rows) -> list[datetime]:
    first = rows.begin.replace(day=1)
    count = (rows.end.year - first.year) * 12 + rows.end.month - first.month + 1
    return [_later(first, months) for months in range(count)]


def _later(month: datetime, months: int) -> datetime:
    years, index = divmod(month.month - 1 + months, 12)
    return month.replace(year=month.year + years, month=index + 1, hour=0, minute=0, second=0)


def _partition(schema: str, table: str, month: datetime) -> sql.Composed:
    return sql.SQL("create table {} partition of {} for values from ({}) to ({})").format(
        sql.Identifier(schema, f"{table}_{month:%Y_%m}"),
        sql.Identifier(schema, table),
        month.isoformat(),
        _later(month, 1).isoformat(),
    )


def _expect_rows(database: str, table: str, rows: int) -> None:
    with psycopg.connect(database) as connection:
        (found,) = connection.execute(f"select count(*) from {table}".encode()).fetchall()[0]
    if found != rows:
        raise BenchmarkError(f"{table} was to hold {rows} rows and holds {found}.")
