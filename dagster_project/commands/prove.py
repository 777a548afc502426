"""`tally prove`: the proof that one row was sealed, for somebody who trusts neither the database nor Tally."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project.commands.seal import FileOption, seal_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.contract import System, Table


def prove(
    table: Annotated[str, typer.Argument(metavar="SYSTEM.TABLE", help="An append table.")],
    key: Annotated[list[str], typer.Argument(metavar="KEY...", help="The row's key, one word for each column of it.")],
    file: FileOption = None,
) -> None:
    """Print, as JSON, the proof that a row is under a root of the seal file and as it was; README has the checker."""
    from dagster_project.commands.connections import as_owner
    from ingest.contract import read_contracts
    from ingest.seal_proof import prove as make_proof
    from ingest.settings import Settings

    settings = Settings.from_environment()
    systems = read_contracts(settings.contract_folders)
    with as_owner(settings, systems) as connection:
        proof = make_proof(connection, append_table(systems, table), key, seal_file(settings, file))
    typer.echo(json.dumps(proof, indent=2, ensure_ascii=False))


def append_table(systems: Sequence[System], name: str) -> Table:
    """The append table of a name; ConfigurationError with those there are, when it is none."""
    from ingest.errors import ConfigurationError
    from ingest.seal_rows import sealable

    tables = {f"{table.system}.{table.name}": table for table in sealable(systems)}
    if name not in tables:
        raise ConfigurationError(f"{name} is no append table; those are {', '.join(tables)}.")
    return tables[name]
