"""Marts hold rows that a gate has judged, and no others: not even those that arrive while they are built."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ingest.contract import System
from ingest.landing import LandingFile, find_files
from ingest.load import load_files
from ingest.sample import write_sample
from ingest.settings import Settings
from tests.dbt.builds import Builds, builder


@pytest.fixture
def files(tmp_path: Path, systems: tuple[System, ...]) -> list[LandingFile]:
    write_sample(tmp_path / "landing", systems, days=3)
    return find_files(tmp_path / "landing", systems)


@pytest.fixture
def builds(
    settings: Settings,
    database: str,
    systems: tuple[System, ...],
    files: list[LandingFile],
    monkeypatch: pytest.MonkeyPatch,
) -> Builds:
    """A warehouse in which the first day is loaded, judged and built."""
    builds = builder(settings, database, systems, monkeypatch.setenv)
    builds.deliver(file for file in files if file.delivered_on == first_day(files))
    builds.build()
    return builds


def first_day(files: list[LandingFile]) -> Any:
    return min(file.delivered_on for file in files)


def rows_by_system(builds: Builds) -> list[tuple[Any, ...]]:
    return builds.fetch("select system, count(*) from marts.fct_events group by 1 order by 1")


def test_rows_without_a_verdict_are_not_built(builds: Builds, files: list[LandingFile]) -> None:
    before = dict(rows_by_system(builds))
    later = [file for file in files if file.delivered_on > first_day(files)]
    builds.deliver(file for file in later if file.system == "storyforge")
    with psycopg.connect(builds.database) as connection:
        load_files(connection, builds.systems, [file for file in later if file.system == "synapse"])
    builds.build()
    after = dict(rows_by_system(builds))
    assert after["synapse"] == before["synapse"]
    assert after["storyforge"] > before["storyforge"]


@pytest.fixture
def stopped_in_the_middle(builds: Builds) -> Iterator[tuple[threading.Thread, list[Any], psycopg.Connection]]:
    """A build that waits for a lock half way, its result to be, and the connection that holds the lock."""
    results: list[Any] = []
    words = ("--full-refresh", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    build = threading.Thread(target=lambda: results.append(builds.dbt("build", *words)))
    with psycopg.connect(builds.database) as connection:
        connection.execute("lock table raw_advert_market.ledger_entries in access exclusive mode")
        build.start()
        with psycopg.connect(builds.database, autocommit=True) as watcher:
            waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
            while not watcher.execute(waiting).fetchall():
                assert build.is_alive()
                time.sleep(0.05)
        yield build, results, connection


def test_a_load_that_arrives_during_a_build_keeps_it_from_being_published(
    builds: Builds, stopped_in_the_middle: tuple[threading.Thread, list[Any], psycopg.Connection]
) -> None:
    build, results, lock = stopped_in_the_middle
    built_at = builds.fetch("select max(built_at) from audit.built_systems")
    lock.execute(
        "insert into ingest.loads (system, table_name, delivered_on, path, content_hash, size_bytes, status)"
        " values ('synapse', 'users', '2026-06-30', 'late', 'late', 1, 'loaded')"
    )
    lock.commit()
    build.join()
    assert not results[0].success
    assert builds.fetch("select max(built_at) from audit.built_systems") == built_at
