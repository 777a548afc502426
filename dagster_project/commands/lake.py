"""`tally lake`: the raw tables as Parquet, and all marts built from them in a DuckDB file that needs no server.

The marts are built in a file aside, which takes the place of the last one when it is whole: readers of the copy never
see one half built, and keep reading the file they opened. The marts lie in that file; the raw tables and the models
between are views over the Parquet files, where these lie.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.commands.tables import console, plural

if TYPE_CHECKING:
    from ingest.settings import Settings

COPY = "tally.duckdb"


def lake() -> None:
    """Mirror the raw tables as Parquet and build the marts from them in DuckDB: a copy to take along."""
    from dagster_project.commands.connections import as_owner
    from expectations.results import why_held
    from ingest.contract import read_contracts
    from ingest.lake import refresh_lake, turn_at_lake
    from ingest.settings import Settings

    settings = Settings.from_environment()
    systems = read_contracts(settings.contract_folders)
    with as_owner(settings, systems) as connection:
        held = connection.execute(
            "select system, rules, loads_without_verdict from audit.held_systems order by system"
        ).fetchall()
    for system, rules, loads in held:
        reason = why_held(rules, loads)
        print(f"{system} is held back by {reason}; in the copy its marts are as its rows are.", file=sys.stderr)
    with turn_at_lake(settings) as folder:
        refresh = refresh_lake(settings, systems, folder)
        build_copy(settings, folder)
    console().print(f"{plural(refresh.written, 'file')} of the lake written, {refresh.kept} left as they were.")
    console().print(f"The marts are in {copy_file(settings)}; `tally explore --lake` opens them.")


def copy_file(settings: Settings) -> Path:
    """The DuckDB file with the marts of the lake."""
    return settings.home / "lake" / COPY


def build_copy(settings: Settings, lake: Path) -> None:
    """Build every mart from the lake's files; TallyError names the models that could not be, and the old copy stays."""
    import duckdb

    from dagster_project.dbt_runner import run_on_duckdb
    from ingest.lake import create_views

    # The name of the file is the database's name, which views and models spell out: aside means another folder.
    building = lake / "building" / COPY
    building.parent.mkdir(exist_ok=True)
    building.unlink(missing_ok=True)
    with duckdb.connect(building) as database:
        create_views(database, lake)
    run_on_duckdb(building, settings.home / "dbt" / "duckdb")
    building.replace(copy_file(settings))
