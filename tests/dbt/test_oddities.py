"""Marts and rules agree on what is natural: no exception is raised of what no rule tells of."""

from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from dagster_project import environment
from dagster_project.dbt_runner import invoke
from expectations.catalogue import rules_of
from ingest.settings import Settings
from tests.conftest import _fresh
from tests.expectations import test_oddities_storyforge, test_oddities_synapse
from tests.expectations.asking import breaks

ODDITIES = {"storyforge": test_oddities_storyforge.ODDITIES, "synapse": test_oddities_synapse.ODDITIES}
# Marts have the activity log: a backfill that it does not show is a wrong count there.
NOT_IN_MARTS = "a backfill raised a lifetime above the lake"
# Another looks for the active season.
LAST = "no season is active, whatever the dates say"


def test_no_exception_is_raised_of_what_is_natural(
    server_conninfo: str, sample_database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for database in _fresh(server_conninfo, str(conninfo_to_dict(sample_database)["dbname"])):
        with psycopg.connect(database, options="-c timezone=UTC") as connection:
            connection.execute("set session_replication_role = replica")
            for system, oddities in ODDITIES.items():
                for name in sorted((name for name in oddities if name != NOT_IN_MARTS), key=lambda name: name == LAST):
                    assert connection.execute(oddities[name].encode()).rowcount, name
                with connection.transaction(force_rollback=True):
                    assert breaks(connection, rules_of(system)) == {}
        found = Settings.from_environment({"TALLY_HOME": str(tmp_path)})
        for variable, value in environment.dbt_environment(replace(found, database_url=database)).items():
            monkeypatch.setenv(variable, value)
        tests = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
        assert invoke(["--no-write-json", "build", *tests]).success
        with psycopg.connect(database) as connection:
            assert (
                connection.execute("select system, rule_id, subject from marts.reconciliation_breaks").fetchall() == []
            )
