"""`tally pull`: increments of a live operational database, as files of the landing zone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project.commands.tables import console, plural, table

if TYPE_CHECKING:
    from ingest.contract import System
    from ingest.pull import TablePull
    from ingest.settings import Settings


def pull(
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help="Which of the described systems the database is.")],
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="URL",
            help="The database, as postgresql://user@host:5432/database; PGPASSWORD or ~/.pgpass may hold a password.",
        ),
    ],
) -> None:
    """Bring what is new in an operational Postgres into the landing zone; it is only read."""
    from ingest import pull as pulling
    from ingest.settings import Settings

    settings = Settings.from_environment()
    described = _described(settings, system)
    with console().status(f"pull {system}") as status:
        rows = 0

        def show(one: TablePull) -> None:
            nonlocal rows
            rows += one.rows
            status.update(f"pull {system}: {plural(rows, 'row')} so far")

        done = pulling.pull(source, described, settings.landing, on_table=show)
    if done.why_whole:
        console().print(f"Everything was read: {done.why_whole}.")
    new = [(one.table, one.load_mode, one.rows, len(one.files)) for one in done.tables if one.files]
    if new:
        console().print(table(None, ("table", "mode", "rows", "files"), new))
        console().print(f"They are in {settings.landing / system}; load them with `tally run`.")
    else:
        console().print(f"There is nothing new in {system}.")
    for one in done.tables:
        if one.ignored:
            print(f"{system}.{one.table}: left out what no contract knows: {', '.join(one.ignored)}.", file=sys.stderr)


def _described(settings: Settings, name: str) -> System:
    from ingest.contract import read_contracts
    from ingest.errors import ConfigurationError

    systems = {system.name: system for system in read_contracts(settings.contract_folders)}
    if name not in systems:
        raise ConfigurationError(f"There is no system {name}; known are {', '.join(systems)}.")
    return systems[name]
