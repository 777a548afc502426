"""dbt's threads keep their sessions of Postgres, also past a model that fails."""

import psycopg
import pytest

from dagster_project.dbt_runner import invoke
from ingest.contract import System
from ingest.settings import Settings
from tests.dbt.builds import Builds, builder

SESSIONS = 4  # two threads, the main one, and that of dbt's look at what is there


@pytest.fixture
def builds(settings: Settings, database: str, systems: tuple[System, ...], monkeypatch: pytest.MonkeyPatch) -> Builds:
    builds = builder(settings, database, systems, monkeypatch.setenv)
    builds.build("--select", "stg_funpot__games", "stg_funpot__events")  # parses the project
    return builds


def build_staging() -> tuple[int, list[str]]:
    """The sessions that were opened to build FunPot's staging models, and the models that failed."""
    opened: list[str] = []
    result = invoke(
        ["--no-write-json", "run", "--select", "staging.funpot"],
        lambda event: opened.append(event.info.name) if event.info.name == "NewConnectionOpening" else None,
    )
    return len(opened), [run.node.name for run in result.result.results if run.status == "error"]


def test_models_are_built_over_one_session_for_each_thread(builds: Builds) -> None:
    opened, failed = build_staging()
    assert opened <= SESSIONS
    assert failed == []


def test_a_model_that_fails_costs_no_other_its_session(builds: Builds) -> None:
    with psycopg.connect(builds.database, autocommit=True) as connection:
        connection.execute("alter table raw_funpot.games rename column title to caption")
    opened, failed = build_staging()
    assert opened <= SESSIONS
    assert failed == ["stg_funpot__games"]


def test_a_session_that_was_idle_for_long_is_opened_anew(builds: Builds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dagster_project.dbt_connections.LONGEST_IDLE_SECONDS", 0)
    opened, failed = build_staging()
    assert opened > SESSIONS
    assert failed == []
