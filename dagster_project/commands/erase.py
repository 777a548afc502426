"""`tally erase`: what is personal, taken out of rows that are for ever, without breaking the seals over them."""

from __future__ import annotations

from typing import Annotated

import typer

from dagster_project.commands.prove import append_table
from dagster_project.commands.tables import console, plural


def erase(
    table: Annotated[str, typer.Argument(metavar="SYSTEM.TABLE", help="An append table with personal columns.")],
    where: Annotated[
        list[str],
        typer.Option(metavar="COLUMN=VALUE", help="Which rows; given again, a row must fit all of them."),
    ],
) -> None:
    """Erase the personal columns of rows, and the salts that could confirm a guess; the seals hold."""
    from dagster_project.commands.connections import as_owner
    from ingest.contract import read_contracts
    from ingest.erase import erase as erase_rows
    from ingest.errors import ConfigurationError
    from ingest.seal_rows import personal_columns
    from ingest.settings import Settings

    pairs = dict(condition.partition("=")[::2] for condition in where if "=" in condition)
    if len(pairs) < len(where):
        raise ConfigurationError(f"--where takes COLUMN=VALUE, each column once, and not {' '.join(where)}.")
    settings = Settings.from_environment()
    systems = read_contracts(settings.contract_folders)
    described = append_table(systems, table)
    with as_owner(settings, systems) as connection:
        done = erase_rows(connection, described, pairs)
    names = ", ".join(column.name for column in personal_columns(described))
    console().print(f"{plural(done.rows, 'row')} of {table} erased ({names}), {done.sealed:,} of them sealed.")
    if done.rows:
        console().print("The landing files that brought them, and ingest.quarantine, are not Tally's to rewrite.")
