"""Any split of rows over files, any order and any repetition of them give the same tables, as a model says.

The model is plain Python (tests/faults/model.py). Every example is loaded in a transaction that is rolled back.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.contract import System, Table
from ingest.landing import find_files
from ingest.load import load_files
from tests.faults.deliveries import FORMATS, Row, deliver, write
from tests.faults.model import Delivery
from tests.faults.rows import DELIVERY_DAYS, kits
from tests.faults.snapshot import Judge, read

LEDGER, LAKE = "advert_market.ledger_entries", "synapse.event_lake"  # append, by months
WALLETS = "funpot.wallet_accounts"  # upsert by the source's own clock
USERS, JOBS = "funpot.users", "storyforge.jobs"  # upsert by delivery; jobs by months
CONFIG = "funpot.config"  # replaced whole

Rows = dict[Any, tuple[Any, ...]]
Version = Callable[[int, date], int]  # of a key, on a day
KITS = kits()

EXAMPLES = settings(
    max_examples=20,
    deadline=None,  # the machine may have other work
    derandomize=True,  # the same examples everywhere; the search is that of `make faults`
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],  # every example is rolled back
)
SPELLINGS = st.integers(0, 2**16)  # seeds of how values are written, which should make no difference
KEYS = st.integers(0, 5)
PLACES = st.tuples(st.sampled_from(DELIVERY_DAYS), st.sampled_from("abc"))
FILES = st.dictionaries(PLACES, st.tuples(st.sampled_from(FORMATS), st.lists(KEYS, max_size=6)), min_size=1, max_size=5)


class Trial:
    """An empty warehouse for each example. It has no fields to show: the contracts fill 200 kB."""

    def __init__(self, connection: psycopg.Connection, systems: tuple[System, ...]) -> None:
        self.connection = connection
        self.systems = systems
        named = {f"{table.system}.{table.name}": table for system in systems for table in system.tables}
        self.tables = {name: named[name] for name in KITS}

    @contextmanager
    def loaded(self, deliveries: Sequence[Delivery]) -> Iterator[None]:
        """The warehouse after these deliveries, loaded in this order; it is empty again afterwards."""
        with TemporaryDirectory() as folder, self.connection.transaction(force_rollback=True):
            write(Path(folder), deliveries)
            order = [delivery.path for delivery in deliveries]
            files = sorted(find_files(Path(folder), self.systems), key=lambda file: order.index(file.relative))
            load_files(self.connection, self.systems, files)
            yield

    def rows(self, table: Table) -> Rows:
        seen = read(self.connection, {"it": table}).rows["it"]
        assert len({key for key, *_ in seen}) == len(seen), "a key is there twice"
        return {key: values for key, values, _ in seen}

    def rows_by_order(self, table: Table, deliveries: Sequence[Delivery]) -> list[Rows]:
        """The different tables that the orders of loading lead to."""
        found: list[Rows] = []
        for order in permutations(deliveries):
            with self.loaded(order):
                rows = self.rows(table)
            found += [rows] if rows not in found else []
        return found


@pytest.fixture
def trial(connection: psycopg.Connection, systems: tuple[System, ...]) -> Trial:
    return Trial(connection, systems)


def expected(table: Table, keys_and_versions: dict[int, int]) -> Rows:
    """The rows of a table that holds these versions of keys."""
    found = {}
    for number, version in keys_and_versions.items():
        values = KITS[f"{table.system}.{table.name}"].row(number, version)
        key = tuple(values[name] for name in table.key)
        found[key] = tuple(values[column.name] for column in table.columns)
    return found


def drawn(data: st.DataObject, table: Table, version: Version) -> tuple[dict[int, set[date]], list[Delivery]]:
    """Files in any order, some of them twice; and the days on which each key was delivered.

    A key has one version a day, so that it does not matter which of a day's files holds it.
    """
    draw = random.Random(data.draw(SPELLINGS))
    days: dict[int, set[date]] = {}
    deliveries = []
    for (day, name), (kind, keys) in data.draw(FILES).items():
        rows = [Row(KITS[f"{table.system}.{table.name}"].row(key, version(key, day))) for key in keys]
        deliveries.append(deliver(table, rows, f"{name}.{kind}", day, draw))
        for key in keys:
            days.setdefault(key, set()).add(day)
        if draw.random() < 0.3:
            again = deliveries[-1]
            deliveries.append(Delivery(again.table, day, f"copy-of-{again.name}", again.content, again.lines))
    return days, ordered(data, deliveries)


def ordered(data: st.DataObject, deliveries: Sequence[Delivery]) -> list[Delivery]:
    return [deliveries[place] for place in data.draw(st.permutations(range(len(deliveries))))]


@pytest.mark.parametrize("name", [LEDGER, LAKE])
@EXAMPLES
@given(data=st.data())
def test_history_is_the_same_however_it_is_cut_into_files(trial: Trial, name: str, data: st.DataObject) -> None:
    days, deliveries = drawn(data, trial.tables[name], lambda key, day: 0)

    with trial.loaded(deliveries):
        assert trial.rows(trial.tables[name]) == expected(trial.tables[name], dict.fromkeys(days, 0))


@EXAMPLES
@given(data=st.data())
def test_the_newest_version_by_its_own_clock_stands_whatever_the_files(trial: Trial, data: st.DataObject) -> None:
    table = trial.tables[WALLETS]
    later_is_older = data.draw(st.booleans())

    def version(key: int, day: date) -> int:
        return (3 - day.day) if later_is_older else (key + day.day) % 3

    days, deliveries = drawn(data, table, version)
    newest = {key: max(version(key, day) for day in on) for key, on in days.items()}

    with trial.loaded(deliveries):
        assert trial.rows(table) == expected(table, newest)


@pytest.mark.parametrize("name", [USERS, JOBS, CONFIG])
@EXAMPLES
@given(data=st.data())
def test_without_a_clock_the_newest_delivery_stands_whatever_its_files(
    trial: Trial, name: str, data: st.DataObject
) -> None:
    def version(key: int, day: date) -> int:
        return key % 2 if day.day == 2 else 0  # some go back on the third day to what they were on the first

    days, deliveries = drawn(data, trial.tables[name], version)
    newest_day = max((delivery.day for delivery in deliveries), default=None)
    standing = {key: max(on) for key, on in days.items() if name != CONFIG or newest_day in on}

    with trial.loaded(deliveries):
        versions = {key: version(key, day) for key, day in standing.items()}
        assert trial.rows(trial.tables[name]) == expected(trial.tables[name], versions)


@pytest.mark.parametrize("name", KITS)
@EXAMPLES
@given(data=st.data())
def test_any_files_in_any_order_leave_what_the_model_says(trial: Trial, name: str, data: st.DataObject) -> None:
    # Contradictions, rows that break rules, the same content on other days: counts and quarantine as well as rows.
    table, kit = trial.tables[name], KITS[name]
    rows = st.builds(
        lambda key, version, broken: Row(kit.row(key, version), *broken),
        KEYS,
        st.integers(0, 2),
        st.sampled_from([*[(None, None, None)] * 4, *kit.breaks]),
    )
    files = st.dictionaries(
        PLACES, st.tuples(st.sampled_from(FORMATS), st.lists(rows, max_size=8)), min_size=1, max_size=4
    )
    draw = random.Random(data.draw(SPELLINGS))
    deliveries = [
        deliver(table, some, f"{stem}.{kind}", day, draw) for (day, stem), (kind, some) in data.draw(files).items()
    ]
    for again in deliveries[: data.draw(st.integers(0, 2))]:
        day = data.draw(st.sampled_from(DELIVERY_DAYS))
        copied = f"copy-of-{again.day}-{again.name}"
        deliveries.append(Delivery(again.table, day, copied, again.content, again.lines))

    with trial.loaded(ordered(data, deliveries)):
        assert Judge(trial.tables, deliveries).unfinished(read(trial.connection, trial.tables)) == []


def one_row(table: Table, values: dict[str, Any], day: int, name: str) -> Delivery:
    return deliver(table, [Row(values)], f"{name}.ndjson", date(2026, 6, day), random.Random(1))


def test_content_that_comes_twice_in_a_delivery_counts_where_it_comes_last(trial: Trial) -> None:
    table, row = trial.tables[USERS], KITS[USERS].row
    names = {"a": 0, "m": 1, "z": 0}
    deliveries = [one_row(table, row(1, version), 1, name) for name, version in names.items()]

    assert trial.rows_by_order(table, deliveries) == [expected(table, {1: 0})]


@pytest.mark.parametrize("clock", [None, datetime(2026, 1, 1, tzinfo=UTC)])
def test_versions_that_their_clock_does_not_tell_apart_go_by_delivery(trial: Trial, clock: datetime | None) -> None:
    table = trial.tables[WALLETS]
    versions = [KITS[WALLETS].row(1, version) | {"updated_at": clock} for version in (0, 1, 0)]
    deliveries = [one_row(table, values, day, "part") for day, values in enumerate(versions, 1)]
    last = tuple(versions[-1][column.name] for column in table.columns)

    assert trial.rows_by_order(table, deliveries) == [{last[:1]: last}]
