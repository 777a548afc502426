"""What looks wrong in FunPot and is not: where no rule takes it for a fault, the marts find no exception either."""

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
from tests.expectations.asking import breaks
from tests.expectations.test_oddities_funpot import ODDITIES, put_into

APART = {
    # Rules let pass what any setting explains; the marts settle by the default of one that a game does not name.
    "a game does not say its fee",
    "a game does not say who gets a pool that nobody won",
    # These need the rollbacks, the rewards or the top-up of another.
    "a vote that was rolled back is kept, and its user voted anew",
    "a rollback names the event and repeats the vote's key",
    "a draw gives back more than the pool held after the fee",
    "a failed payment was credited in error, and taken back",
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
        # The later ones look for words that the earlier ones change.
        for oddity in reversed(ODDITIES):
            if oddity not in APART:
                put_into(connection, oddity)
        assert breaks(connection, rules_of("funpot")) == {}

    builds.build("--select", "+reconciliation_breaks")
    found = builds.fetch("select rule_id, subject, cause from building.reconciliation_breaks where system = 'funpot'")
    assert found == []
