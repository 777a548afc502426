"""Views that stand: only those that every build would make the same again, and only while this project made them."""

from pathlib import Path

import psycopg
import pytest

from dagster_project.dbt_process import manifest
from dagster_project.standing_views import standing_views
from ingest.contract import System
from ingest.landing import LandingFile, find_files
from ingest.sample import write_sample
from ingest.settings import Settings
from tests.dbt.builds import Builds, builder

VIEWS = "select schemaname || '.' || viewname, definition from pg_views where schemaname in ('staging', 'intermediate')"


@pytest.fixture
def builds(settings: Settings, database: str, systems: tuple[System, ...], monkeypatch: pytest.MonkeyPatch) -> Builds:
    return builder(settings, database, systems, monkeypatch.setenv)


@pytest.fixture
def files(tmp_path: Path, systems: tuple[System, ...]) -> list[LandingFile]:
    write_sample(tmp_path / "landing", systems, days=3)
    return sorted(find_files(tmp_path / "landing", systems), key=lambda file: file.delivered_on)


def standing(builds: Builds) -> set[str]:
    """The views that stand, as schema.name."""
    parsed = manifest(builds.settings)
    with psycopg.connect(builds.database) as connection:
        return {
            f"{node['schema']}.{node['name']}" for node in map(parsed["nodes"].get, standing_views(parsed, connection))
        }


def make_all(builds: Builds) -> dict[str, str]:
    """What each view is after a build that left none out."""
    assert builds.dbt("build", "--exclude-resource-types", "test", "unit_test").success
    return dict(builds.fetch(VIEWS))


def test_views_that_stand_are_the_same_in_whole_builds_and_later_ones_and_where_systems_are_held(
    builds: Builds, files: list[LandingFile], connection: psycopg.Connection
) -> None:
    builds.deliver(files)
    whole = make_all(builds)
    later = make_all(builds)
    assert builds.whole_systems() == set()
    connection.execute("truncate audit.judged_loads")
    connection.commit()
    held = make_all(builds)

    assert builds.fetch("select count(*) from audit.held_systems") == [(len(builds.systems),)]
    changing = {name for name in whole if not whole[name] == later[name] == held[name]}
    assert len(changing) > 30
    assert set(whole) - changing >= standing(builds)
    assert len(standing(builds)) > 140


def test_no_view_stands_of_a_build_that_was_cut_before_it_was_published(builds: Builds) -> None:
    assert builds.dbt("run", "--select", "stg_funpot__votes").success

    assert "staging.stg_funpot__votes" in dict(builds.fetch(VIEWS))
    assert standing(builds) == set()


def test_a_build_makes_again_what_was_dropped_and_what_another_project_made(
    builds: Builds, files: list[LandingFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    builds.deliver(files)
    builds.build()
    before, all_views = standing(builds), dict(builds.fetch(VIEWS))
    with psycopg.connect(builds.database) as connection:
        connection.execute("drop view staging.stg_funpot__votes cascade")
        connection.execute("comment on column marts.settlements.fee is 'as another project told it'")
    lost = before - standing(builds)
    assert "intermediate.int_funpot__settlements" in lost

    builds.build()

    assert standing(builds) == before
    assert dict(builds.fetch(VIEWS)).keys() == all_views.keys()
    monkeypatch.setenv("TALLY_DBT_FINGERPRINT", "another project")
    assert standing(builds) == set()
    builds.build()
    assert standing(builds) == before
    fee = "select col_description(attrelid, attnum) from pg_attribute where attrelid = 'marts.settlements'::regclass"
    assert builds.fetch(f"{fee} and attname = 'fee'") == [("What the platform keeps by rule.",)]
