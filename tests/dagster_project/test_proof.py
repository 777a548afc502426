"""The nightly proof: it finds what differs from a whole build, changes nothing, and waits for loads to be built."""

from pathlib import Path

import psycopg
import pytest

from dagster_project.proof import oldest_proved, prove
from ingest.contract import System
from ingest.landing import find_files
from ingest.sample import write_sample
from ingest.settings import Settings
from tests.dbt.builds import builder


def test_a_counter_that_was_changed_behind_the_builds_back_is_found_and_left(
    settings: Settings,
    database: str,
    systems: tuple[System, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    connection: psycopg.Connection,
) -> None:
    builds = builder(settings, database, systems, monkeypatch.setenv)
    write_sample(tmp_path / "landing", systems, days=6)
    builds.deliver(find_files(tmp_path / "landing", systems))
    assert oldest_proved(connection, ["synapse", "hermes"]) is None
    connection.commit()
    builds.build()
    assert oldest_proved(connection, ["synapse", "hermes"]) == "synapse"
    assert prove(connection, "synapse") == []
    assert oldest_proved(connection, ["synapse", "hermes"]) == "hermes"
    before = builds.checksums()
    connection.execute(
        "update marts.event_counters set count = count + 1 where (system, user_id, event_type, category_id, period) in"
        " (select system, user_id, event_type, category_id, period from marts.event_counters"
        " where system = 'synapse' limit 1)"
    )
    connection.execute(
        "delete from marts.fct_ledger_entries where entry_id = (select min(entry_id)"
        " from marts.fct_ledger_entries where system = 'synapse')"
    )
    connection.commit()
    changed = builds.checksums()

    found = prove(connection, "synapse")

    assert {"event_counters", "fct_ledger_entries"} <= {mart for mart, _, _ in found}
    assert [(lacking, surplus) for mart, lacking, surplus in found if mart == "event_counters"] == [(1, 1)]
    assert builds.checksums() == changed != before
