"""What is measured of the gates: every rule asked of every row, of new rows only, and by two peers."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from ingest.landing import LandingFile, find_files
from ingest.load import load_files
from ingest.sample import write_sample
from tests.benchmarks.measure import Book, Comparison, Measurement, Trial
from tests.benchmarks.warehouse import Warehouse

EVENTS_PER_SCALE = 36_000  # rows of synapse.event_lake in a sample of scale 1, of 290,000 in all
FIXED_SECONDS, PASSES = 20, 5
PASS, WHOLE, NEW = "one count and sum of every table", "tally, every row", "tally, one more day"
PEERS = {"gx": "great expectations, a query each", "dbt": "dbt, a test each"}

# What a ledger adds up; of other tables rows are counted only.
AMOUNTS = {"ledger_entries": "amount_nano", "wallet_ledger": "amount_int", "activity_log": "xp_delta"}


@dataclass
class Gates:
    """The trials of the whole catalogue over a clean sample with a fifth of `rows` events in its largest table."""

    server: Warehouse
    rows: int

    def trials(self) -> Iterator[list[Trial]]:
        """One trial, which makes its own database."""
        yield [Trial("gates", self._ask, once=True)]

    def comparisons(self, book: Book) -> Iterator[Comparison]:
        """What is claimed of the figures at hand."""
        one_pass, whole, new = (book.find(self._case, name) for name in (PASS, WHOLE, NEW))
        if not (one_pass and whole and new):
            return
        claim = f"{self._case}: seconds beyond {FIXED_SECONDS} / of one count and sum of every table"
        yield Comparison(claim, max(whole.seconds - FIXED_SECONDS, 0) / one_pass.seconds, PASSES, at_most=True)
        yield Comparison(f"{self._case}: seconds of one more day / of every row", new.seconds / whole.seconds)
        for peer in PEERS.values():
            found = book.find(self._case, peer)
            if found:
                yield Comparison(f"{self._case}: seconds of {peer} / of tally", found.seconds / whole.seconds)

    @property
    def _scale(self) -> int:
        return max(self.rows // 5 // EVENTS_PER_SCALE, 1)

    @property
    def _case(self) -> str:
        return f"the whole catalogue, sample of scale {self._scale}"

    def _ask(self, book: Book) -> None:
        with self.server.database() as database, self.server.scratch() as folder:
            landing = folder / "landing"
            write_sample(landing, self.server.systems, scale=self._scale)
            files = find_files(landing, self.server.systems)
            last = max(file.delivered_on for file in files)
            self._load(database, [file for file in files if file.delivered_on < last])
            rows, seconds = _count_and_sum(database)
            book.record(self._case, PASS, rows, Measurement(seconds, None, None, {}))
            for peer, name in PEERS.items():
                book.record(self._case, name, rows, self._check(database, folder, peer))
            book.record(self._case, WHOLE, rows, self._check(database, folder, "whole"))
            self._load(database, [file for file in files if file.delivered_on == last])
            more = _count_and_sum(database)[0] - rows
            book.record(self._case, NEW, more, self._check(database, folder, "new"))

    def _check(self, database: str, folder: Path, how: str) -> Measurement:
        command = [sys.executable, "-m", "tests.benchmarks.gate_check", database, str(folder / "home"), how]
        return self.server.measure(command)

    def _load(self, database: str, files: list[LandingFile]) -> None:
        with psycopg.connect(database, options="-c timezone=UTC") as connection:
            load_files(connection, self.server.systems, files)
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("vacuum analyze")


def _count_and_sum(database: str) -> tuple[int, float]:
    """The rows of all raw tables, and the least seconds of three passes over them."""
    with psycopg.connect(database, autocommit=True) as connection:
        tables = connection.execute(
            "select table_schema || '.' || table_name, table_name from information_schema.tables"
            " where table_schema like 'raw\\_%' and table_name !~ '_\\d{4}_\\d{2}$'"
        ).fetchall()
        taken = []
        for _ in range(3):
            began, rows = time.perf_counter(), 0
            for table, name in tables:
                total = f", sum({AMOUNTS[name]})" if name in AMOUNTS else ""
                rows += connection.execute(f"select count(*){total} from {table}".encode()).fetchall()[0][0]
            taken.append(time.perf_counter() - began)
    return rows, min(taken)
