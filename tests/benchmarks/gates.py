"""What is measured of the gates: every rule asked of every row, of new rows only, and of fewer rows by two peers."""

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby
from operator import attrgetter
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
BESIDE = "tally, every row, beside peers"
PEERS = {"gx": "great expectations, a query each", "dbt": "dbt, a test each"}

_delivered_on = attrgetter("delivered_on")

# What a ledger adds up; of other tables rows are counted only.
AMOUNTS = {"ledger_entries": "amount_nano", "wallet_ledger": "amount_int", "activity_log": "xp_delta"}


@dataclass
class Gates:
    """The trials of the whole catalogue over clean samples with a fifth of so many events in their largest table.

    Peers ask `peer_rows`: a summary that Tally makes once and analyses, they write into each query that reads it, and
    over seven million rows the planner's guess at one made a single rule of theirs take minutes.
    """

    server: Warehouse
    rows: int
    peer_rows: int

    def trials(self) -> Iterator[list[Trial]]:
        """Two trials, each with its own database."""
        yield [Trial("gates/tally", self._ask, once=True)]
        yield [Trial("gates/peers", self._ask_peers, once=True)]

    def comparisons(self, book: Book) -> Iterator[Comparison]:
        """What is claimed of the figures at hand."""
        case = _case(self.rows)
        one_pass, whole, new = (book.find(case, name) for name in (PASS, WHOLE, NEW))
        if one_pass and whole and new:
            claim = f"{case}: seconds beyond {FIXED_SECONDS} / of one count and sum of every table"
            yield Comparison(claim, max(whole.seconds - FIXED_SECONDS, 0) / one_pass.seconds, PASSES, at_most=True)
            yield Comparison(f"{case}: seconds of one more day / of every row", new.seconds / whole.seconds)
        case = _case(self.peer_rows)
        for peer in PEERS.values():
            found, beside = book.find(case, peer), book.find(case, BESIDE)
            if found and beside:
                yield Comparison(f"{case}: seconds of {peer} / of tally", found.seconds / beside.seconds)

    def _ask(self, book: Book) -> None:
        case = _case(self.rows)
        with self.server.database() as database, self.server.scratch() as folder:
            *early, last = self._days(folder, self.rows)
            self._load(database, chain.from_iterable(early))
            rows, seconds = _count_and_sum(database)
            book.record(case, PASS, rows, Measurement(seconds, None, None, {}))
            book.record(case, WHOLE, rows, self._check(database, folder, "whole"))
            self._load(database, last)
            more = _count_and_sum(database)[0] - rows
            book.record(case, NEW, more, self._check(database, folder, "new"))

    def _ask_peers(self, book: Book) -> None:
        case = _case(self.peer_rows)
        with self.server.database() as database, self.server.scratch() as folder:
            self._load(database, chain.from_iterable(self._days(folder, self.peer_rows)))
            rows, _ = _count_and_sum(database)
            for how, name in ({"whole": BESIDE} | PEERS).items():
                book.record(case, name, rows, self._check(database, folder, how))

    def _days(self, folder: Path, rows: int) -> list[list[LandingFile]]:
        """The files of a sample, by their day of delivery."""
        landing = folder / "landing"
        write_sample(landing, self.server.systems, scale=_scale(rows))
        files = sorted(find_files(landing, self.server.systems), key=_delivered_on)
        return [list(group) for _, group in groupby(files, _delivered_on)]

    def _check(self, database: str, folder: Path, how: str) -> Measurement:
        command = [sys.executable, "-m", "tests.benchmarks.gate_check", database, str(folder / "home"), how]
        return self.server.measure(command)

    def _load(self, database: str, files: Iterable[LandingFile]) -> None:
        with psycopg.connect(database, options="-c timezone=UTC") as connection:
            load_files(connection, self.server.systems, files)
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("vacuum analyze")


def _scale(rows: int) -> int:
    return max(rows // 5 // EVENTS_PER_SCALE, 1)


def _case(rows: int) -> str:
    return f"the whole catalogue, sample of scale {_scale(rows)}"


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
