"""`tally load`: only the loading."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project.commands.tables import console, plural, table

if TYPE_CHECKING:
    from ingest.load import Load

COLUMNS = ("system", "table", "files", "known", "refused", "rows", "accepted", "duplicate", "conflict", "rejected")


def load(
    system: Annotated[str | None, typer.Option(help="Only this system.", metavar="NAME")] = None,
    date: Annotated[
        datetime | None, typer.Option(help="Only what was delivered on this day.", formats=["%Y-%m-%d"])
    ] = None,
    all_dates: Annotated[
        bool, typer.Option("--all-dates", help="Look into old date folders too, which were loaded before.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line, for machines.")] = False,
) -> None:
    """Load what is new in the landing zone and count what became of its rows."""
    from dagster_project.commands.connections import as_owner
    from dagster_project.commands.feed import Feed
    from dagster_project.commands.watch import Watch
    from ingest.arrivals import find_arrivals
    from ingest.contract import read_contracts
    from ingest.landing import find_strangers
    from ingest.load import load_files
    from ingest.settings import Settings

    settings = Settings.from_environment()
    systems = read_contracts(settings.contract_folders)
    settings.refuse_missing_landing()
    day = date.date() if date else None
    with as_owner(settings, systems) as connection, ExitStack() as stack:
        watch = Feed(sys.stdout) if as_json else stack.enter_context(Watch(console()))
        files = find_arrivals(connection, settings.landing, systems, system, day, all_dates)
        for name, of_system in groupby(files, key=lambda file: file.system):
            batch = list(of_system)
            watch.loading(name, batch)
            load_files(connection, systems, batch, watch.loaded, watch.reading)
    if not as_json:
        _print(watch.loads, settings.landing)
    problems = [f"{file.path} was refused: {file.reason}." for file in watch.loads if file.status == "failed"]
    problems += find_strangers(settings.landing, systems)
    for problem in problems:
        print(problem, file=sys.stderr)
    raise typer.Exit(1 if problems else 0)


def _print(loads: Sequence[Load], landing: object) -> None:
    """A row for each table that something came of; the rest in one line, for on most days it is most of them."""
    tables = _by_table(loads)
    told = [of_table for of_table in tables if any(file.status != "skipped" for file in of_table)]
    if told:
        console().print(table(None, COLUMNS, [_counts(of_table) for of_table in told]))
    if not loads:
        console().print(f"There is nothing to load in {landing}.")
    elif len(told) < len(tables):
        known = sum(len(of_table) for of_table in tables if of_table not in told)
        others = plural(len(tables) - len(told), "other table" if told else "table")
        console().print(f"{plural(known, 'file')} of {others} {'was' if known == 1 else 'were'} loaded before.")


def _by_table(loads: Sequence[Load]) -> list[list[Load]]:
    return [list(of_table) for _, of_table in groupby(loads, key=lambda file: (file.system, file.table))]


def _counts(loads: Sequence[Load]) -> tuple[object, ...]:
    statuses = [file.status for file in loads]
    return (
        loads[0].system,
        loads[0].table,
        *(statuses.count(status) for status in ("loaded", "skipped", "failed")),
        sum(file.rows_read for file in loads),
        sum(file.rows_accepted for file in loads),
        sum(file.rows_duplicate for file in loads),
        sum(file.rows_conflict for file in loads),
        sum(file.rows_rejected for file in loads),
    )
