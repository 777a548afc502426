"""What every delivery said of a row that changes in place is kept, whatever the order of files and whichever stands."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import permutations
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from ingest.contract import System, read_contract
from ingest.errors import ContractError
from ingest.landing import LandingFile
from ingest.quarantine import Selection
from ingest.replay import replay_rows
from ingest.schema import ensure_schemas
from tests.conftest import _fresh
from tests.ingest.shop import MENDED, Shop, Store, opened, row
from tests.ingest.test_contract import MINIMAL, contract
from tests.ingest.zone import Zone, counts, ndjson

JOBS = "storyforge.jobs"
QUEUED = {"status": "queued", "stage": "pending", "progress": 0, "started_at": None}
WORKING = {"status": "processing", "stage": "script_expansion", "progress": 0, "started_at": "2026-06-01T10:00:05Z"}
DONE = {"status": "final_ready", "stage": "completed", "progress": 100, "started_at": "2026-06-01T10:00:05Z"}


def job(number: int, **changes: Any) -> dict[str, Any]:
    ids = {name: str(UUID(int=number)) for name in ("id", "scene_id", "user_id")}
    texts = ("message", "context_data", "result_data", "error_code", "error_message", "completed_at", "idempotency_key")
    fixed = {"type": "continuation", "input_text": "on", "bible_version": 1, "retry_count": 0, "max_retries": 3}
    return ids | dict.fromkeys(texts) | fixed | {"created_at": "2026-06-01T10:00:00Z"} | changes


def versions(zone: Zone) -> list[tuple[Any, ...]]:
    """Job, status, instant, line: all that a version says but for the load that brought it."""
    rows = zone.fetch(
        "select id, status, to_char(seen_at at time zone 'UTC', 'MM-DD HH24:MI:SS.US'), _line"
        " from raw_storyforge.jobs_versions order by id, seen_at, _line"
    )
    return [(key.int, *rest) for key, *rest in rows]


def pulled(at: str) -> str:
    return f"pull-202606{at}Z-0001.ndjson"


HISTORY_OF_SHOP = ("kind", "amount")
DELIVERIES = [
    ("2026-06-01", pulled("01T100001000000"), ndjson(job(1, **QUEUED), job(2, **QUEUED))),
    ("2026-06-01", pulled("01T100010250000"), ndjson(job(1, **WORKING))),
    ("2026-06-02", "part-0000.ndjson", ndjson(job(1, **DONE))),
    # The same bytes as the second: the source is said to have gone back, which is for a rule to judge.
    ("2026-06-03", "part-0000.ndjson", ndjson(job(1, **WORKING))),
]
KEPT = [
    (1, "queued", "06-01 10:00:01.000000", 1),
    (1, "processing", "06-01 10:00:10.250000", 1),
    (1, "final_ready", "06-02 00:00:00.000000", 1),
    (1, "processing", "06-03 00:00:00.000000", 1),
    (2, "queued", "06-01 10:00:01.000000", 2),
]


@pytest.mark.parametrize("order", permutations(range(4)))
def test_every_delivered_version_is_kept_once_in_any_order_of_files(zone: Zone, order: tuple[int, ...]) -> None:
    for number in order:
        day, name, content = DELIVERIES[number]
        zone.deliver(JOBS, content, name=name, day=day)
        zone.load()
    assert zone.load() == []  # nothing is loaded again

    assert versions(zone) == KEPT
    assert zone.fetch("select status from raw_storyforge.jobs order by id") == [("processing",), ("queued",)]


def test_of_two_versions_in_one_file_both_are_kept_in_their_order(zone: Zone) -> None:
    zone.deliver(JOBS, ndjson(job(1, **QUEUED), job(1, **WORKING), job(1, **QUEUED)))
    (load,) = zone.load()

    assert counts(load) == (3, 1, 2, 0, 0)
    assert [(status, line) for _, status, _, line in versions(zone)] == [
        ("queued", 1),
        ("processing", 2),
        ("queued", 3),
    ]


def test_a_file_that_fails_halfway_leaves_no_version(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    zone.deliver(JOBS, ndjson(job(1, **QUEUED)))
    with monkeypatch.context() as killed:
        killed.setattr("ingest.load._finish", stop)
        with pytest.raises(KeyboardInterrupt):
            zone.load()
    zone.connection.rollback()
    assert versions(zone) == []

    zone.load()
    assert [version[:2] for version in versions(zone)] == [(1, "queued")]


def test_versions_lie_in_the_month_of_their_row_and_never_change(zone: Zone) -> None:
    zone.deliver(JOBS, ndjson(job(1, **QUEUED), job(2, created_at="2026-05-31T23:59:59Z", **QUEUED)))
    zone.load()

    assert zone.fetch("select tableoid::regclass::text from raw_storyforge.jobs_versions order by 1") == [
        ("raw_storyforge.jobs_versions_2026_05",),
        ("raw_storyforge.jobs_versions_2026_06",),
    ]
    with pytest.raises(psycopg.errors.RaiseException, match="immutable"):
        zone.connection.execute("update raw_storyforge.jobs_versions set status = 'failed'")


def test_a_replayed_row_is_a_version_of_the_delivery_that_brought_it(zone: Zone) -> None:
    zone.deliver(JOBS, ndjson(job(1, **QUEUED), job(1, **WORKING | {"status": "paused"})), name=DELIVERIES[0][1])
    zone.deliver(JOBS, ndjson(job(1, **DONE)), day="2026-06-02")
    zone.load()
    zone.connection.execute("alter table raw_storyforge.jobs drop constraint jobs_status_check")
    zone.connection.commit()
    zone.systems = tuple(_with_any_status(system) for system in zone.systems)
    replay_rows(zone.connection, zone.systems, Selection())

    assert versions(zone) == [
        (1, "queued", "06-01 10:00:01.000000", 1),
        (1, "paused", "06-01 10:00:01.000000", 2),
        (1, "final_ready", "06-02 00:00:00.000000", 1),
    ]


def _with_any_status(system: System) -> System:
    tables = [
        replace(table, columns=tuple(replace(column, allowed=()) for column in table.columns))
        if table.name == "jobs"
        else table
        for table in system.tables
    ]
    return replace(system, tables=tuple(tables))


def test_the_history_of_a_table_that_holds_rows_begins_with_what_stands(zone: Zone) -> None:
    zone.deliver(JOBS, ndjson(job(1, **QUEUED)), name=DELIVERIES[0][1])
    zone.deliver(JOBS, ndjson(job(2, **DONE)), day="2026-06-02")
    zone.load()
    zone.connection.execute("drop table raw_storyforge.jobs_versions")
    ensure_schemas(zone.connection, zone.systems)
    ensure_schemas(zone.connection, zone.systems)

    assert versions(zone) == [
        (1, "queued", "06-01 10:00:01.000000", 0),
        (2, "final_ready", "06-02 00:00:00.000000", 0),
    ]


def test_a_column_that_joins_the_history_is_null_in_older_versions(zone: Zone) -> None:
    zone.deliver(JOBS, ndjson(job(1, **QUEUED)))
    zone.load()
    zone.systems = tuple(_with_message(system) for system in zone.systems)
    widened = ensure_schemas(zone.connection, zone.systems)
    zone.deliver(JOBS, ndjson(job(1, **WORKING | {"message": "writing"})), day="2026-06-02")
    zone.load()

    assert widened == ["raw_storyforge.jobs_versions: message is a new column."]
    assert zone.fetch("select message from raw_storyforge.jobs_versions order by seen_at") == [(None,), ("writing",)]


def _with_message(system: System) -> System:
    tables = [
        replace(table, history=(*table.history, "message")) if table.history else table for table in system.tables
    ]
    return replace(system, tables=tuple(tables))


@pytest.mark.parametrize(
    ("name", "seen_at"),
    [
        ("pull-20260601T101500250000Z-0001.parquet", datetime(2026, 6, 1, 10, 15, 0, 250_000, UTC)),
        ("jobs_20260601T101500Z.csv.gz", datetime(2026, 6, 1, 10, 15, tzinfo=UTC)),
        ("part-20261301T101500Z.ndjson", datetime(2026, 6, 2, tzinfo=UTC)),
        ("part-0000.ndjson", datetime(2026, 6, 2, tzinfo=UTC)),
    ],
)
def test_a_file_is_of_the_instant_in_its_name_or_of_the_beginning_of_its_day(name: str, seen_at: datetime) -> None:
    file = LandingFile("storyforge", "jobs", date(2026, 6, 2), Path(name), f"storyforge/jobs/date=2026-06-02/{name}")

    assert file.seen_at == seen_at


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    """A shop that keeps the history of its upserted tables, and whose contract is too narrow yet."""
    with opened(database, tmp_path / "narrow", tmp_path / "landing") as found:
        found.agree(Shop(history=HISTORY_OF_SHOP))
        yield found


@pytest.fixture
def other(server_conninfo: str, template: str, tmp_path: Path) -> Iterator[Store]:
    """Another warehouse of the same landing zone, whose contract was right from the start."""
    for database in _fresh(server_conninfo, template):
        with opened(database, tmp_path / "right", tmp_path / "landing") as found:
            found.agree(replace(MENDED, history=HISTORY_OF_SHOP))
            yield found


def test_after_a_replay_the_history_is_as_if_the_contract_had_always_been_right(store: Store, other: Store) -> None:
    versions = [row(key, kind=kind, amount=amount) for key in "ab" for kind in ("small", "huge") for amount in (1, -3)]
    for table in ("people", "labels"):
        clocks = [{"updated_at": f"2026-06-0{number % 3 + 1}T00:00:00Z"} for number in range(len(versions))]
        rows = [version | (clock if table == "people" else {}) for version, clock in zip(versions, clocks, strict=True)]
        for number in range(4):
            store.zone.deliver(f"shop.{table}", ndjson(*rows[number::2]), f"{number}.ndjson", f"2026-06-0{number + 1}")
    store.zone.load()
    other.zone.load()
    store.agree(replace(MENDED, history=HISTORY_OF_SHOP))
    store.replay()

    # But for the counts of loads: an older version that a newer one has overtaken counts as a duplicate.
    assert store.tables() | {"loads": []} == other.tables() | {"loads": []}
    assert len(store.tables()["raw_shop.people_versions"]) == 14
    assert len(store.tables()["raw_shop.labels_versions"]) == 14


HISTORY = "      - {property: loadMode, value: %s}\n      - {property: history, value: [%s]}\n"


@pytest.mark.parametrize(
    ("mode", "column", "words"),
    [("upsert", "price", "history names price, which is not a column"), ("append", "customer_id", "loadMode upsert")],
)
def test_a_history_that_cannot_be_kept_is_refused(tmp_path: Path, mode: str, column: str, words: str) -> None:
    text = MINIMAL.replace("      - {property: loadMode, value: append}\n", HISTORY % (mode, column))

    with pytest.raises(ContractError, match=words):
        read_contract(contract(tmp_path, text))


def test_a_table_may_not_be_named_as_the_versions_of_another(tmp_path: Path) -> None:
    text = MINIMAL.replace("      - {property: loadMode, value: append}\n", HISTORY % ("upsert", "customer_id"))
    described = text.partition("schema:\n")[2]

    with pytest.raises(ContractError, match="kept as sales_versions; rename it"):
        read_contract(contract(tmp_path, text + described.replace("name: sales", "name: sales_versions")))
