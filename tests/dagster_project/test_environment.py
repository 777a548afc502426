"""What Dagster and dbt are told: the database's address in their words, and folders of this warehouse only."""

from dataclasses import replace

import pytest
import yaml

from dagster_project.environment import dagster_home, dbt_environment
from ingest.settings import Settings

URL = "postgresql://ann:s%40cret@db.example:5433/books?sslmode=verify-full&sslrootcert=/etc/ca.pem"


@pytest.fixture
def served(settings: Settings) -> Settings:
    return replace(settings, database_url=URL)


def test_dbt_gets_every_part_of_the_url(served: Settings) -> None:
    variables = dbt_environment(served)

    assert [variables[f"TALLY_PG{part}"] for part in ("HOST", "PORT", "USER", "PASSWORD", "DATABASE")] == [
        "db.example",
        "5433",
        "ann",
        "s@cret",
        "books",
    ]
    # dbt's profile has no field for these, but libpq knows them by these names.
    assert (variables["PGSSLMODE"], variables["PGSSLROOTCERT"]) == ("verify-full", "/etc/ca.pem")


def test_dbt_writes_into_the_home_of_the_warehouse(served: Settings) -> None:
    variables = dbt_environment(served)

    assert variables["DBT_TARGET_PATH"] == str(served.home / "dbt" / "target")
    assert variables["DBT_LOG_PATH"] == str(served.home / "dbt" / "logs")


def test_dagster_is_told_to_keep_quiet_and_where_to_write(settings: Settings) -> None:
    written = yaml.safe_load((dagster_home(settings) / "dagster.yaml").read_text(encoding="utf-8"))

    assert written["telemetry"] == {"enabled": False}
    assert written["nux"] == {"enabled": False}
    assert written["event_log_storage"]["config"]["base_dir"].startswith(str(settings.home))
