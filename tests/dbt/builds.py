"""Building the models without the gates: deliveries in any order, and what the marts then hold."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from dagster_project import environment
from dagster_project.dbt_process import manifest
from dagster_project.dbt_runner import invoke
from dagster_project.standing_views import all_but, standing_views
from ingest.contract import System
from ingest.landing import LandingFile, find_files
from ingest.load import load_files
from ingest.settings import Settings
from tests.conftest import judge


@dataclass(frozen=True)
class Builds:
    """A warehouse that is built by dbt alone, whatever the gates would say of half a delivery."""

    settings: Settings
    database: str
    systems: tuple[System, ...]

    def deliver(self, files: Iterable[LandingFile]) -> None:
        with psycopg.connect(self.database, options="-c timezone=UTC") as connection:
            load_files(connection, self.systems, files)
            judge(connection)

    def deliver_rows(self, landing: Path, system: str, day: str, **rows: list[dict[str, Any]]) -> None:
        """Deliver rows of some tables, each as one file; what a row does not say is null."""
        tables = {table.name: table for known in self.systems if known.name == system for table in known.tables}
        for name, given in rows.items():
            file = landing / system / name / f"date={day}" / "rows.ndjson"
            file.parent.mkdir(parents=True, exist_ok=True)
            columns = dict.fromkeys(column.name for column in tables[name].columns)
            file.write_text("".join(json.dumps(columns | row) + "\n" for row in given), encoding="utf-8")
        self.deliver(find_files(landing, self.systems))
        assert self.fetch("select path, rule, reason from ingest.quarantine") == []
        assert self.fetch("select path, reason from ingest.loads where status = 'failed'") == []

    def deliver_and_build(self, landing: Path, system: str, day: str, **rows: list[dict[str, Any]]) -> None:
        self.deliver_rows(landing, system, day, **rows)
        self.build()

    def dbt(self, *words: str) -> Any:
        """Run dbt in this process; the result as dbt gives it."""
        return invoke(["--no-write-json", *words])

    def build(self, *words: str) -> None:
        parsed = manifest(self.settings)
        with psycopg.connect(self.database) as connection:
            selection = all_but(parsed, standing_views(parsed, connection))
        result = self.dbt("build", "--exclude-resource-types", "test", "unit_test", *selection, *words)
        assert result.success, [run.message for run in result.result.results if run.status == "error"]

    def build_whole(self) -> None:
        """Forget every mart and build them from nothing."""
        with psycopg.connect(self.database) as connection:
            connection.execute("drop schema marts cascade; create schema marts")
            connection.execute("truncate audit.built_loads, audit.built_systems")
        self.build()

    def whole_systems(self) -> set[str]:
        """The systems that the last build made whole."""
        return {system for (system,) in self.fetch("select system from building.systems where is_full")}

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database, options="-c timezone=UTC") as connection:
            return connection.execute(query.encode()).fetchall()

    def rows_of(self, mart: str) -> list[tuple[Any, ...]]:
        return self.fetch(f"select * from marts.{mart} order by 1, 2, 3")

    def checksums(self) -> dict[str, tuple[int, str]]:
        """Rows and digest of each mart, whatever the order of its rows."""
        with psycopg.connect(self.database, options="-c timezone=UTC") as connection:
            return mart_checksums(connection)


def mart_checksums(connection: psycopg.Connection) -> dict[str, tuple[int, str]]:
    """Rows and digest of each mart, in any order; `loaded_at` and `delivered_on` tell of the loading."""
    marts = connection.execute("select table_name from information_schema.tables where table_schema = 'marts'")
    digests = sql.SQL(
        "select count(*), md5(coalesce(string_agg(digest, '' order by digest), ''))"
        " from (select md5((to_jsonb(mart) - 'loaded_at' - 'delivered_on')::text) as digest from {} as mart) as digests"
    )
    return {
        name: connection.execute(digests.format(sql.Identifier("marts", name))).fetchall()[0]
        for (name,) in sorted(marts.fetchall())
    }


def builder(
    settings: Settings, database: str, systems: tuple[System, ...], set_variable: Callable[[str, str], None]
) -> Builds:
    """A warehouse on `database`, with what dbt reads of the environment set by `set_variable`."""
    for name, value in environment.dbt_environment(settings).items():
        set_variable(name, value)
    return Builds(settings, database, systems)
