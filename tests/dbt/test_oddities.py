"""Marts and rules agree on what looks wrong and is not: what breaks no rule is no exception of the marts either."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from expectations.catalogue import rules_of
from ingest.contract import System
from ingest.settings import Settings
from tests.conftest import _fresh
from tests.dbt.builds import Builds, builder
from tests.expectations import test_oddities_funpot, test_oddities_storyforge, test_oddities_synapse
from tests.expectations.asking import breaks

# In an order in which each finds what it changes: of FunPot's, the later look for words that the earlier change.
ODDITIES = {
    "funpot": dict(reversed(test_oddities_funpot.ODDITIES.items())),
    "storyforge": test_oddities_storyforge.ODDITIES,
    "synapse": dict(sorted(test_oddities_synapse.ODDITIES.items(), key=lambda each: "no season is active" in each[0])),
}
APART = {
    # Rules let pass what any setting explains; the marts settle by the default of one that a game does not name.
    "a game does not say its fee",
    "a game does not say who gets a pool that nobody won",
    # These need the rollbacks, the rewards or the top-up of another.
    "a vote that was rolled back is kept, and its user voted anew",
    "a rollback names the event and repeats the vote's key",
    "a draw gives back more than the pool held after the fee",
    "a failed payment was credited in error, and taken back",
    # Marts have the activity log: a backfill that it does not show is a wrong count there.
    "a backfill raised a lifetime above the lake",
}


@pytest.fixture
def builds(
    server_conninfo: str, sample_database: str, home: Path, systems: tuple[System, ...], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Builds]:
    """A warehouse of the clean sample that was never built."""
    for database in _fresh(server_conninfo, str(conninfo_to_dict(sample_database)["dbname"])):
        settings = replace(Settings.from_environment({"TALLY_HOME": str(home)}), database_url=database)
        yield builder(settings, database, systems, monkeypatch.setenv)


def test_the_marts_take_no_oddity_for_an_exception(builds: Builds) -> None:
    with psycopg.connect(builds.database, options="-c timezone=UTC") as connection:
        connection.execute("set session_replication_role = replica")
        for system, oddities in ODDITIES.items():
            for name, statements in oddities.items():
                if name not in APART:
                    assert connection.execute(statements.encode()).rowcount, name
            with connection.transaction(force_rollback=True):
                assert breaks(connection, rules_of(system)) == {}

    builds.build("--select", "+reconciliation_breaks")
    found = builds.fetch("select system, rule_id, subject, cause from building.reconciliation_breaks")
    assert found == []
