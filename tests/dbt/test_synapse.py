"""Synapse's counters over a source that forgets: what it purges stays counted, and each of its figures is explained."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from dagster_project import environment
from tests.conftest import Warehouse
from tests.dbt.builds import mart_checksums
from tests.dbt.members import counter, member, message, reward

RECONCILIATION = "select counter, recorded, recounted, cause from marts.counter_reconciliation"


def deliver(warehouse: Warehouse, day: str, table: str, rows: Iterable[dict[str, Any]]) -> None:
    folder = warehouse.landing / "synapse" / table / f"date={day}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def reconciled(warehouse: Warehouse, user_id: int) -> dict[str, tuple[int, int, str | None]]:
    """The counters of a member: recorded, recounted and why they differ."""
    found = warehouse.fetch(f"{RECONCILIATION} where subject = 'user:{user_id}'")
    return {counter: (int(recorded), int(recounted), cause) for counter, recorded, recounted, cause in found}


def lifetime(warehouse: Warehouse, user_id: int) -> list[tuple[Any, ...]]:
    return warehouse.fetch(
        "select count from marts.event_counters where system = 'synapse' and category_id = '0'"
        f" and period = 'lifetime' and user_id = '{user_id}'"
    )


def test_lifetime_counts_survive_the_purge_that_shrinks_those_of_the_source(warehouse: Warehouse) -> None:
    deliver(warehouse, "2026-02-02", "event_lake", [message(n, 1, "2026-02-01T10:00:00Z") for n in (1, 2, 3)])
    deliver(
        warehouse,
        "2026-02-02",
        "event_counters",
        [counter(1, "lifetime", 3), counter(1, "season", 3), counter(1, "day:2026-02-01", 3)],
    )
    assert warehouse.tally("run")[0] == 0
    assert reconciled(warehouse, 1) == {
        "message_create lifetime": (3, 3, None),
        "message_create season_counter_raw": (3, 3, None),
        "message_create day:2026-02-01": (3, 3, None),
    }

    # Four months later the source holds only two messages of June, and its weekly recount has made 2 of 5.
    deliver(warehouse, "2026-06-02", "event_lake", [message(n, 1, "2026-06-01T10:00:00Z") for n in (4, 5)])
    deliver(
        warehouse,
        "2026-06-02",
        "event_counters",
        [counter(1, "lifetime", 2), counter(1, "season", 5), counter(1, "day:2026-06-01", 2)],
    )
    assert warehouse.tally("run")[0] == 0

    assert lifetime(warehouse, 1) == [(5,)]
    assert reconciled(warehouse, 1) == {
        "message_create lifetime": (2, 5, "retention_truncation"),
        "message_create season_counter_raw": (5, 5, None),
        "message_create day:2026-02-01": (3, 3, None),
        "message_create day:2026-06-01": (2, 2, None),
    }
    assert warehouse.fetch("select * from marts.reconciliation_breaks") == []


@pytest.mark.parametrize("is_made_anew", [False, True])
def test_counts_survive_the_archiving_of_a_month_here(
    warehouse: Warehouse, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, is_made_anew: bool
) -> None:
    deliver(warehouse, "2026-02-02", "event_lake", [message(n, 1, "2026-02-01T10:00:00Z") for n in (1, 2, 3)])
    deliver(warehouse, "2026-06-02", "event_lake", [message(n, 1, "2026-06-01T10:00:00Z") for n in (4, 5)])
    assert warehouse.tally("run")[0] == 0
    assert warehouse.tally("seal")[0] == 0
    before = mart_checksums(connection)
    connection.execute("drop table raw_synapse.event_lake_2026_02")
    monkeypatch.setattr(environment, "_dbt_fingerprint", lambda: "other models: every system is built whole")
    if is_made_anew:
        connection.execute("alter table marts.fct_events add column of_an_older_model text")
    connection.commit()
    assert warehouse.tally("seal", "--archived", "synapse.event_lake/2026-02")[0] == 0

    # A row of that month that comes later is one more.
    deliver(warehouse, "2026-06-03", "event_lake", [message(6, 2, "2026-02-01T11:00:00Z")])
    assert warehouse.tally("run")[::2] == (0, "")
    assert lifetime(warehouse, 1) == [(5,)]
    assert lifetime(warehouse, 2) == [(1,)]
    assert warehouse.fetch("select count(*) from marts.fct_events") == [(6,)]
    assert {mart for mart, now in mart_checksums(connection).items() if now[0] < before[mart][0]} == set()


def test_a_counter_above_the_lake_is_backfilled_early_or_wrong(warehouse: Warehouse) -> None:
    deliver(warehouse, "2026-06-02", "users", [member(1, 4), member(2, 0), member(3, 0)])
    deliver(warehouse, "2026-06-02", "activity_log", [reward(n, 1, "2026-05-01T10:00:00Z") for n in range(1, 5)])
    lake = [message(1, 1, "2026-06-01T10:00:00Z"), message(2, 3, "2026-05-20T10:00:00Z")]
    deliver(warehouse, "2026-06-02", "event_lake", lake)
    deliver(
        warehouse,
        "2026-06-02",
        "event_counters",
        [
            # Four rewards were logged before the lake opened; the backfill counted them, then the lake one more.
            counter(1, "lifetime", 5),
            counter(1, "season", 1),
            counter(1, "day:2026-06-01", 1),
            # Counted yesterday, its row comes tomorrow.
            counter(2, "lifetime", 1),
            counter(2, "season", 1),
            counter(2, "day:2026-06-01", 1),
            # Counted a fortnight ago, its row never came.
            counter(3, "lifetime", 2),
            counter(3, "season", 2),
            counter(3, "day:2026-05-20", 2),
        ],
    )
    assert warehouse.tally("run")[0] == 0

    assert reconciled(warehouse, 1)["message_create lifetime"] == (5, 1, "backfill")
    assert set(reconciled(warehouse, 2).values()) == {(1, 0, "late events")}
    assert set(reconciled(warehouse, 3).values()) == {(2, 1, "missing events")}
    # The day's counter dates all three, and the newest message is of the morning of June 1st.
    since = datetime(2026, 5, 20, tzinfo=UTC)
    assert warehouse.fetch(
        "select rule_id, subject, amount::int, broken_since, age_days from marts.reconciliation_breaks order by 1, 2"
    ) == [
        ("D-05", "user:3 message_create day:2026-05-20", 1, since, 12),
        ("D-06", "user:3 message_create lifetime", 1, since, 12),
        ("D-06", "user:3 message_create season_counter_raw", 1, since, 12),
    ]

    deliver(warehouse, "2026-06-03", "event_lake", [message(3, 2, "2026-06-01T23:59:59Z")])
    assert warehouse.tally("run")[0] == 0

    assert set(reconciled(warehouse, 2).values()) == {(1, 1, None)}


def test_marts_show_no_word_of_a_message(warehouse: Warehouse) -> None:
    deliver(warehouse, "2026-02-02", "event_lake", [message(1, 1, "2026-02-01T10:00:00Z")])
    assert warehouse.tally("run")[0] == 0

    assert warehouse.fetch("select payload from marts.fct_events") == [({"length": 5},)]
