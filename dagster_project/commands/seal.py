"""`tally seal`: the rows that are for ever, under roots that lie outside the database."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project.commands.tables import console, plural, table

if TYPE_CHECKING:
    from ingest.seal_file import Archived, SealFile
    from ingest.settings import Settings

FileOption = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="The seal file, if not $TALLY_HOME/seals.jsonl.")
]


def seal(
    file: FileOption = None,
    archived: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SYSTEM.TABLE/YYYY-MM",
            help="Note that a partition was archived, so that nobody misses its rows; may be given again.",
        ),
    ] = None,
) -> None:
    """Seal the rows of append tables that are not sealed yet, and write their roots to the seal file."""
    from dagster_project.commands.connections import as_owner
    from ingest.contract import read_contracts
    from ingest.seal import seal as make_seal
    from ingest.settings import Settings

    settings = Settings.from_environment()
    systems = read_contracts(settings.contract_folders)
    months = [_archived(text) for text in archived or ()]
    with as_owner(settings, systems) as connection, console().status("seal") as status:
        done = make_seal(
            connection,
            systems,
            seal_file(settings, file),
            months,
            lambda sealed: status.update(f"seal {sealed.system}.{sealed.table}"),
        )
    if done.seal:
        rows = [
            (sealed.system, sealed.table, tree.month, tree.rows, tree.root)
            for sealed in done.seal.tables
            for tree in sealed.trees
        ]
        if rows:
            console().print(table(None, ("system", "table", "month", "rows", "root"), rows))
            console().print()
        # Whoever notes this digest elsewhere can tell that file and database were both rewritten.
        console().print(
            f"Seal {done.seal.seal} is in {seal_file(settings, file).path}:"
            f" {plural(sum(count for *_, count, _ in rows), 'row')}, digest {done.seal.digest}",
            soft_wrap=True,
        )
    else:
        console().print("There is nothing new to seal.")
    for problem in done.problems:
        print(problem, file=sys.stderr)
    raise typer.Exit(1 if done.problems else 0)


def seal_file(settings: Settings, given: Path | None) -> SealFile:
    """The seal file: the one that was named, or the warehouse's own."""
    from ingest.seal_file import SealFile

    return SealFile(given) if given else SealFile.of(settings)


def _archived(text: str) -> Archived:
    from ingest.errors import ConfigurationError
    from ingest.seal_file import Archived

    found = re.fullmatch(r"(\w+)\.(\w+)/(\d{4}-(?:0[1-9]|1[0-2]))", text)
    if not found:
        raise ConfigurationError(f"--archived {text} names no month of a table; write SYSTEM.TABLE/YYYY-MM.")
    return Archived(*found.groups())
