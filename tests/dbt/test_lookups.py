"""What analysts look up is one index scan, and what is asked of some days reads no other month."""

import json
from typing import Any

import psycopg
import pytest

from ingest.contract import System
from ingest.landing import find_files
from ingest.sample import write_sample
from ingest.settings import Settings
from tests.dbt.builds import builder

LOOKUPS = {
    "the first hundred of a board": "select rank, entity_id, score from marts.leaderboards where system = 'synapse'"
    " and board = 'xp' and period = 'lifetime' and rank <= 100 order by rank",
    "one user's counters": "select * from marts.event_counters where system = 'synapse' and user_id = '1'",
    "one account's balance on a day": "select closing from marts.balances_daily where system = 'funpot'"
    " and account_id = 'HOUSE' and unit = 'INT' and day <= '2026-06-20' order by day desc limit 1",
}


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for part in plan.get("Plans", []) for node in nodes(part))]


def explain(connection: psycopg.Connection, query: str) -> list[dict[str, Any]]:
    ((plan,),) = connection.execute(f"explain (format json) {query}".encode()).fetchall()
    found = json.loads(plan) if isinstance(plan, str) else plan
    return nodes(found[0]["Plan"])


def test_each_lookup_is_a_single_index_scan(
    settings: Settings,
    database: str,
    systems: tuple[System, ...],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
    connection: psycopg.Connection,
) -> None:
    builds = builder(settings, database, systems, monkeypatch.setenv)
    write_sample(tmp_path / "landing", systems, days=3)
    builds.deliver(find_files(tmp_path / "landing", systems))
    builds.build()
    # In small tables a sequential scan is as good; what counts is that an index alone can answer.
    connection.execute("set enable_seqscan = off; set enable_bitmapscan = off")

    for name, query in LOOKUPS.items():
        kinds = [node["Node Type"] for node in explain(connection, query) if node["Node Type"] != "Limit"]
        assert kinds in (["Index Scan"], ["Index Only Scan"]), name


def test_events_of_some_days_are_read_from_the_partitions_of_their_months_alone(
    sample_database: str, systems: tuple[System, ...]
) -> None:
    partitioned = [table for system in systems for table in system.tables if table.partition_column]
    assert len(partitioned) > 10
    with psycopg.connect(sample_database) as connection:
        for table in partitioned:
            found = explain(
                connection,
                f"select * from {table.schema}.{table.name} where {table.partition_column} >= '2026-06-05T00:00:00Z'"
                f" and {table.partition_column} < '2026-06-09T00:00:00Z'",
            )
            read = {node["Relation Name"] for node in found if "Relation Name" in node}
            assert read <= {f"{table.name}_2026_06"}, table.name
