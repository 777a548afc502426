"""When a run may leave the views alone: only if every one is there, made from the project as it is."""

from pathlib import Path

import psycopg
import pytest

from dagster_project import views

MANIFEST = {
    "nodes": {
        f"model.tally.{name}": {
            "resource_type": "model",
            "schema": "intermediate",
            "alias": name,
            "config": {"materialized": kind},
        }
        for name, kind in (("int_one", "view"), ("int_two", "view"), ("a_mart", "incremental"))
    }
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "dbt"
    folder.mkdir()
    (folder / "int_one.sql").write_text("select 1")
    monkeypatch.setattr(views, "DBT_PROJECT", folder)
    return folder


@pytest.fixture
def built(connection: psycopg.Connection, project: Path) -> psycopg.Connection:
    connection.execute("create schema intermediate")
    for name in ("int_one", "int_two"):
        connection.execute(f"create view intermediate.{name} as select 1 as one")  # type: ignore[arg-type]
    views.remember(connection)
    return connection


def test_views_are_current_after_they_were_made(built: psycopg.Connection) -> None:
    assert views.are_current(built, MANIFEST)


def test_views_are_not_current_before_the_first_build(connection: psycopg.Connection, project: Path) -> None:
    assert not views.are_current(connection, MANIFEST)


def test_a_missing_view_is_noticed(built: psycopg.Connection) -> None:
    built.execute("drop view intermediate.int_two")

    assert not views.are_current(built, MANIFEST)


def test_a_changed_project_is_noticed(built: psycopg.Connection, project: Path) -> None:
    (project / "int_one.sql").write_text("select 2")

    assert not views.are_current(built, MANIFEST)


def test_a_new_file_of_the_project_is_noticed(built: psycopg.Connection, project: Path) -> None:
    (project / "macro.sql").write_text("")

    assert not views.are_current(built, MANIFEST)
