"""What is measured of the marts: a whole build, one of 1 % more rows, and the lookups that analysts make."""

import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import psycopg

from ingest.landing import find_files
from ingest.load import load_files
from tests.benchmarks import data
from tests.benchmarks.events import members
from tests.benchmarks.measure import Book, Comparison, Measurement, Trial
from tests.benchmarks.warehouse import Warehouse
from tests.conftest import judge

EVENTS, POSTINGS = "synapse.event_lake", "advert_market.ledger_entries"
POSTINGS_PER_EVENT = 0.4
INCREMENT_SHARE, LOOKUPS = 0.10, 500
PRIMARY_KEY = "a row of raw_synapse.users by its key"

# The projection that the platform itself would keep, of the accounts that moved on or after a day.
BALANCES = """
    select account_id,
        sum(case direction when 'CREDIT' then amount_nano else -amount_nano end)::bigint as balance_nano,
        max(created_at) as updated_at
    from raw_advert_market.ledger_entries
    where account_id in (select account_id from raw_advert_market.ledger_entries where created_at >= %s)
    group by 1
"""
SAMPLES = {
    PRIMARY_KEY: ("select id from raw_synapse.users", "select * from raw_synapse.users where id = %s"),
    "the first hundred of a board": (
        "select distinct board from marts.leaderboards where system = 'synapse' and period = 'lifetime'",
        "select rank, entity_id, score from marts.leaderboards"
        " where system = 'synapse' and board = %s and period = 'lifetime' and rank <= 100 order by rank",
    ),
    "one user's counters of a kind": (
        "select distinct user_id, event_type from marts.event_counters where system = 'synapse'",
        "select count from marts.event_counters where system = 'synapse' and user_id = %s and event_type = %s"
        " and category_id = '0' and period = 'lifetime'",
    ),
    "one account's balance on a day": (
        "select account_id, day from marts.balances_daily where system = 'advert_market'",
        "select closing from marts.balances_daily where system = 'advert_market' and account_id = %s"
        " and unit = 'nanoTON' and day <= %s order by day desc limit 1",
    ),
}


@dataclass
class Building:
    """The trials of building marts over `rows` events and two fifths as many postings, a fifth of that, and twice."""

    server: Warehouse
    rows: int

    def trials(self) -> Iterator[list[Trial]]:
        """One trial for each size; each makes its own database."""
        yield [Trial(f"build/{events}", partial(self._build, events), once=True) for events in self._sizes()]

    def comparisons(self, book: Book) -> Iterator[Comparison]:
        """What is claimed of the figures at hand."""
        for events in self._sizes():
            whole, more = book.find(_case(events), "whole"), book.find(_case(events), "1 % more")
            if whole and more:
                claim = f"{_case(events)}: seconds of 1 % more / whole"
                yield Comparison(claim, more.seconds / whole.seconds, INCREMENT_SHARE, at_most=True)
            key = book.find(_case(events), PRIMARY_KEY)
            for name in SAMPLES:
                lookup = book.find(_case(events), name)
                if key and lookup and name != PRIMARY_KEY:
                    claim = f"{_case(events)}: p95 of {name} / of a primary key"
                    yield Comparison(claim, lookup.seconds / key.seconds, 3.0, at_most=True)

    def _sizes(self) -> list[int]:
        return [self.rows // 5, self.rows, self.rows * 2]

    def _build(self, events: int, book: Book) -> None:
        histories = [data.history(EVENTS, events), data.history(POSTINGS, int(events * POSTINGS_PER_EVENT))]
        with self.server.database() as database, self.server.scratch() as folder:
            self._deliver(database, folder / "first", histories)
            book.record(_case(events), "whole", events, self._measure(database, folder))
            self._deliver(database, folder / "more", [data.increment(rows, 0, rows.count // 100) for rows in histories])
            book.record(_case(events), "1 % more", events // 100, self._measure(database, folder))
            self._look_up(database, events, book)

    def _measure(self, database: str, folder: Path) -> Measurement:
        command = [sys.executable, "-m", "tests.benchmarks.dbt_build", database, str(folder / "home")]
        return self.server.measure(command)

    def _deliver(self, database: str, landing: Path, deliveries: Sequence[data.Rows]) -> None:
        """Load rows of both tables, the members of the first, the balances of the accounts that the second moves."""
        for rows in deliveries:
            data.write(rows, _file(landing, rows.table))
        path = _file(landing, "synapse.users")
        path.parent.mkdir(parents=True)
        members().write_parquet(path)
        self._load(database, landing)
        with psycopg.connect(database, options="-c timezone=UTC") as connection:
            cursor = connection.execute(BALANCES, (deliveries[1].begin,))
            names = [column.name for column in cursor.description or ()]
            balances = pl.DataFrame(cursor.fetchall(), schema=names, orient="row")
        path = _file(landing, "advert_market.account_balances")
        path.parent.mkdir(parents=True)
        balances.write_parquet(path)
        self._load(database, landing)

    def _load(self, database: str, landing: Path) -> None:
        with psycopg.connect(database, options="-c timezone=UTC") as connection:
            load_files(connection, self.server.systems, find_files(landing, self.server.systems))
            judge(connection)

    def _look_up(self, database: str, events: int, book: Book) -> None:
        """The 95th percentile of each lookup, in turns on one connection, so that noise hits all alike."""
        rng = random.Random(events)
        with psycopg.connect(database, autocommit=True, options="-c timezone=UTC") as connection:
            connection.prepare_threshold = 0
            asked = {
                name: rng.choices(connection.execute(f"{population} limit 100000".encode()).fetchall(), k=LOOKUPS)
                for name, (population, _) in SAMPLES.items()
            }
            taken: dict[str, list[float]] = {name: [] for name in SAMPLES}
            for number in range(LOOKUPS):
                for name, (_, query) in SAMPLES.items():
                    taken[name].append(_seconds(connection, query, asked[name][number]))
        for name, seconds in taken.items():
            book.record(_case(events), name, 1, Measurement(sorted(seconds)[LOOKUPS * 95 // 100], None, None, {}))


def _seconds(connection: psycopg.Connection, query: str, parameters: Sequence[Any]) -> float:
    began = time.perf_counter()
    connection.execute(query.encode(), parameters).fetchall()
    return time.perf_counter() - began


def _file(landing: Path, table: str) -> Path:
    return landing / table.replace(".", "/") / f"date={data.DELIVERED_ON}" / "rows.parquet"


def _case(events: int) -> str:
    return f"marts over {events:,} events"
