"""`tally quarantine`: the rows that were refused; all of them, one of them whole, and once more."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project.commands.sql import WRITERS, Format
from dagster_project.commands.tables import console, plural, table, until_read_enough

if TYPE_CHECKING:
    from psycopg import Connection

    from ingest.contract import System
    from ingest.quarantine import Selection
    from ingest.replay import LeftBehind, Replay

ROWS_SHOWN = 20

app = typer.Typer(no_args_is_help=True, help="See the rows that were refused, and replay them.")

WHICH = "from ingest.quarantine q join ingest.loads l using (load_id) where"
ORDER = "order by q.system, q.table_name, q.load_id, q.line"
SUMMARY = f"""
    select q.system, q.table_name, q.outcome, q.rule, count(*), count(distinct q.load_id)
    {WHICH} {{selected}} group by 1, 2, 3, 4 order by 1, 2, count(*) desc, 3, 4
"""
ROWS = f"""
    select q.quarantine_id, q.system, q.table_name, q.path, q.line, q.outcome, q.rule, q.reason
    {WHICH} {{selected}} {ORDER} limit %(limit)s
"""
EVERYTHING = f"""
    select
        q.quarantine_id as id, q.system, q.table_name as "table", q.path as file, q.line, l.delivered_on, q.load_id,
        q.outcome, q.rule, q.reason, q.quarantined_at
    {WHICH} {{selected}} {ORDER}
"""
ONE = """
    select
        q.system, q.table_name, q.path, q.line, l.delivered_on, q.load_id, l.loaded_at, q.outcome, q.rule, q.reason,
        l.header, q.raw
    from ingest.quarantine q join ingest.loads l using (load_id)
    where q.quarantine_id = %s
"""

OfSystem = Annotated[str | None, typer.Option("--system", help="Only rows of this system.", metavar="NAME")]
OfTable = Annotated[str | None, typer.Option("--table", help="Only rows of this table.", metavar="NAME")]
OfRule = Annotated[str | None, typer.Option("--rule", help="Only rows that broke this rule.", metavar="NAME")]


@app.callback()
def group() -> None:
    """See the rows that were refused, and replay them."""


@app.command("list")
def list_rows(
    system: OfSystem = None,
    table_name: OfTable = None,
    rule: OfRule = None,
    format: Annotated[Format, typer.Option(help="csv and json write every row, and nothing else.")] = Format.table,
) -> None:
    """List refused rows: how many by table and rule, where they were delivered, and why they were refused."""
    from dagster_project.commands.connections import as_owner
    from ingest.contract import read_contracts
    from ingest.quarantine import SELECTED, Selection
    from ingest.settings import Settings

    settings = Settings.from_environment()
    systems = read_contracts(settings.contract_folders)
    selection = Selection(system, table_name, rule)
    with as_owner(settings, systems) as connection:
        if format is Format.table:
            _print_rows(connection, systems, selection)
            return
        # On the server, since they may be many.
        with until_read_enough(), connection.cursor("refused") as rows:
            rows.execute(EVERYTHING.format(selected=SELECTED).encode(), selection.parameters)
            WRITERS[format]([column.name for column in rows.description or ()], iter(rows))


@app.command()
def show(number: Annotated[int, typer.Argument(metavar="ID", help="The row's id, as `list` gives it.")]) -> None:
    """Show one refused row whole, and what to do about it."""
    from dagster_project.commands.connections import as_owner
    from ingest.contract import read_contracts
    from ingest.errors import ConfigurationError
    from ingest.settings import Settings

    settings = Settings.from_environment()
    systems = read_contracts(settings.contract_folders)
    with as_owner(settings, systems) as connection:
        found = connection.execute(ONE, (number,)).fetchall()
    if not found:
        raise ConfigurationError(
            f"There is no row {number} in quarantine; `tally quarantine list` shows those there are."
        )
    *facts, header, raw = found[0]
    names = ("system", "table", "file", "line", "delivered", "load", "loaded", "outcome", "rule", "reason")
    terminal = console()
    terminal.print(table(None, ("id", str(number)), zip(names, map(str, facts), strict=True)))
    terminal.print()
    if raw is not None:
        terminal.print(_readable(facts[2], header, raw), markup=False, soft_wrap=True)
        terminal.print()
    contract = next((known.path for known in systems if known.name == facts[0]), None)
    terminal.print(_advice(number, facts[7], facts[8], _is_kept(facts[2], header, raw), contract), soft_wrap=True)


@app.command()
def replay(
    system: OfSystem = None,
    table_name: OfTable = None,
    rule: OfRule = None,
    id: Annotated[list[int] | None, typer.Option(help="Only this row; may be given again.", metavar="ID")] = None,
) -> None:
    """Load what fits now that its contract was corrected, as if it had fitted when it was delivered."""
    from dagster_project.commands.connections import as_owner
    from ingest.contract import read_contracts
    from ingest.quarantine import Selection
    from ingest.replay import left_behind, replay_rows
    from ingest.settings import Settings

    settings = Settings.from_environment()
    systems = read_contracts(settings.contract_folders)
    selection = Selection(system, table_name, rule, tuple(id or ()))
    with as_owner(settings, systems) as connection:
        _check_names(connection, systems, selection)
        connection.commit()
        behind = left_behind(connection, selection)
        replays = replay_rows(connection, systems, selection)
    raise typer.Exit(_tell(replays, behind))


def _print_rows(connection: Connection, systems: Sequence[System], selection: Selection) -> None:
    from ingest.quarantine import SELECTED

    parameters = selection.parameters | {"limit": ROWS_SHOWN}
    summary = connection.execute(SUMMARY.format(selected=SELECTED).encode(), parameters).fetchall()
    rows = connection.execute(ROWS.format(selected=SELECTED).encode(), parameters).fetchall()
    total = sum(count for *_, count, _ in summary)
    if not rows:
        _check_names(connection, systems, selection)
    if total > len(rows):
        console().print(table(None, ("system", "table", "outcome", "rule", "rows", "files"), summary))
        console().print()
    if rows:
        columns = ("id", "system", "table", "file", "line", "outcome", "rule", "reason")
        console().print(table(None, columns, ((str(key), *rest) for key, *rest in rows)))
    if total > len(rows):
        console().print(f"… and {total - len(rows):,} more: choose with --system, --table and --rule, or write all of")
        console().print("them with --format csv.")
    console().print(f"{plural(total, 'row')} in quarantine.", style="dim")


def _check_names(connection: Connection, systems: Sequence[System], selection: Selection) -> None:
    """ConfigurationError for a system or table that neither a contract nor the quarantine knows."""
    from ingest.errors import ConfigurationError

    held = connection.execute("select distinct system, table_name from ingest.quarantine").fetchall()
    known = {(of_system.name, described.name) for of_system in systems for described in of_system.tables} | set(held)
    names = sorted({of_system for of_system, _ in known})
    if selection.system not in (None, *names):
        raise ConfigurationError(f"There is no system {selection.system}; known are {', '.join(names)}.")
    if not any(selection.system in (None, s) and selection.table in (None, t) for s, t in known):
        raise ConfigurationError(f"There is no table {selection.table} in {selection.system or 'any system'}.")


def _tell(replays: Sequence[Replay], behind: LeftBehind) -> int:
    """Show what became of the rows; returns the exit code."""
    terminal = console()
    counted = [done for done in replays if not done.reason]
    if counted:
        columns = ("system", "table", "files", "rows", "accepted", "duplicate", "conflict", "still refused")
        terminal.print(table(None, columns, map(_counts, _by_table(counted))))
    else:
        terminal.print("There is nothing to replay.")
    if behind.conflicts:
        terminal.print(f"{plural(behind.conflicts, 'row')} in conflict must stay: no contract changes history.")
    if behind.not_kept:
        terminal.print(
            f"{plural(behind.not_kept, 'row')} cannot be replayed, because they could not be kept as they were"
            " delivered; have the source deliver them again."
        )
    if any(done.accepted for done in counted):
        terminal.print("`tally run` takes what was accepted into the marts.")
    for done in replays:
        if done.reason:
            print(f"The refused rows of {done.path} could not be replayed: {done.reason}.", file=sys.stderr)
    return 1 if len(counted) < len(replays) else 0


def _by_table(replays: Sequence[Replay]) -> list[list[Replay]]:
    ordered = sorted(replays, key=lambda done: (done.system, done.table))
    return [list(of_table) for _, of_table in groupby(ordered, key=lambda done: (done.system, done.table))]


def _counts(replays: Sequence[Replay]) -> tuple[object, ...]:
    outcomes = ("rows", "accepted", "duplicates", "conflicts", "still_rejected")
    sums = (sum(getattr(done, outcome) for done in replays) for outcome in outcomes)
    return (replays[0].system, replays[0].table, len(replays), *sums)


def _readable(path: str, header: bytes | None, raw: bytes) -> str:
    """The row for human eyes: JSON indented, CSV by its column names; what is no text is escaped."""
    import csv
    from io import StringIO

    import msgspec

    try:
        if not _is_csv(path):
            return _escaped(msgspec.json.format(raw, indent=2), keep="\n")
        texts = (StringIO(text.decode(), newline="\n") for text in (header or b"", raw))
        names, values = (next(csv.reader(text, strict=True)) for text in texts)
        return "\n".join(f"{name}: {_escaped(value)}" for name, value in zip(names, values, strict=True))
    except (ValueError, StopIteration, csv.Error):
        return _escaped(raw, keep="\n")


def _escaped(text: bytes | str, keep: str = "") -> str:
    """Text that a terminal only shows: bytes that are no UTF-8 and characters that command are written as escapes."""
    shown = text.decode(errors="backslashreplace") if isinstance(text, bytes) else text
    return "".join(
        character if character.isprintable() or character in keep else character.encode("unicode_escape").decode()
        for character in shown
    )


def _is_csv(path: str) -> bool:
    return ".csv" in Path(path).suffixes


def _is_kept(path: str, header: bytes | None, raw: bytes | None) -> bool:
    return raw is not None and (header is not None or not _is_csv(path))


def _advice(number: int, outcome: str, rule: str, is_kept: bool, contract: Path | None) -> str:
    if outcome == "conflict":
        return (
            "A row that was loaded before has this key, and history is never changed: a replay leaves this one here. If"
            " it is the right one, have the source deliver a correction under a key of its own."
        )
    if not is_kept:
        return "It could not be kept as it was delivered: have the source deliver it again, corrected."
    if rule in ("utf8", "json", "csv", "character"):
        return "No contract can mend what is no valid text: have the source deliver it again, corrected."
    where = f" ({contract})" if contract else ""
    return (
        f"If the row is right, correct the contract{where} and run `tally quarantine replay --id {number}`; if not,"
        " have the source deliver it again, corrected."
    )
