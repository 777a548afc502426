"""`tally board`: who is on top, now or at any past instant."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from psycopg import Connection

SHOWN = 20
PERIODS_NAMED = 5
DAY = len("2026-06-30")

BOARDS = "select distinct system, board from marts.leaderboards order by 1, 2"
PERIODS = """
    select period from marts.leaderboards
    where system = %(system)s and board = %(board)s
    group by period
    order by period like 'day:%%', period desc
"""
NOW = """
    select rank, entity_id, score from marts.leaderboards
    where system = %(system)s and board = %(board)s and period = %(period)s
    order by rank, entity_id
    limit %(limit)s
"""
AS_OF = """
    select * from marts.board_as_of(%(system)s, %(board)s, %(period)s, %(as_of)s)
    order by rank, entity_id
    limit %(limit)s
"""


def board(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The board, such as xp or voter_net.")],
    system: Annotated[str | None, typer.Option(help="The system, where two have a board of that name.")] = None,
    period: Annotated[str, typer.Option(help="lifetime, season:ID, day:YYYY-MM-DD, event:ID or game:ID.")] = "lifetime",
    as_of: Annotated[
        str | None, typer.Option(metavar="T", help="A past instant, UTC unless it says otherwise; a day means its end.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many places.")] = SHOWN,
) -> None:
    """Show who is on top of a board, now or as of any past instant, recounted from what had happened by then."""
    from dagster_project.commands.connections import as_analyst
    from dagster_project.commands.missing import refuse_without_marts
    from dagster_project.commands.tables import console, table
    from ingest.settings import Settings

    instant = _instant(as_of) if as_of else None
    with as_analyst(Settings.from_environment()) as connection:
        refuse_without_marts(connection)
        of_system = _system(connection, name, system)
        _refuse_unknown_period(connection, of_system, name, period)
        parameters = {"system": of_system, "board": name, "period": period, "as_of": instant, "limit": limit}
        rows = connection.execute((AS_OF if instant else NOW).encode(), parameters).fetchall()
    title = f"{of_system} {name}, {period}{_when(as_of, instant)}"
    console().print(table(title if rows else f"{title}: nobody stood on it", ["rank", "who", "score"], rows))


def _when(as_of: str | None, instant: datetime | None) -> str:
    if not as_of or not instant:
        return ""
    if len(as_of) == DAY:
        return f" as of the end of {as_of}"
    return f" as of {instant:%Y-%m-%d %H:%M:%S.%f} UTC".replace(".000000", "")


def _instant(text: str) -> datetime:
    """An instant; the last microsecond of a day where only a day is given."""
    from ingest.errors import ConfigurationError

    try:
        if len(text) == DAY:
            return datetime.combine(date.fromisoformat(text) + timedelta(days=1), time.min, UTC) - timedelta.resolution
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"--as-of is {text!r}; give a day or an instant such as 2026-06-30 or 2026-06-30T12:00:00Z."
        ) from error
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _system(connection: Connection, name: str, system: str | None) -> str:
    """The system that has the board; ConfigurationError where none or several have one of that name."""
    from dagster_project.commands.missing import why_missing
    from ingest.errors import ConfigurationError

    known = connection.execute(BOARDS.encode()).fetchall()
    found = [of_system for of_system, board in known if board == name and system in (None, of_system)]
    if len(found) > 1:
        raise ConfigurationError(f"{' and '.join(found)} have a board {name}; say which with --system.")
    if not found:
        why = why_missing(connection, system)
        names = sorted({board for of_system, board in known if system in (None, of_system)})
        near = get_close_matches(name, names, n=3) or names
        where = f"{system} has no board" if system else "There is no board"
        there = f"; there are {', '.join(near) or 'none'}" if near or not why else ""
        raise ConfigurationError(f"{where} {name}{there}{why}.")
    return str(found[0])


def _refuse_unknown_period(connection: Connection, system: str, name: str, period: str) -> None:
    from ingest.errors import ConfigurationError

    periods = [row[0] for row in connection.execute(PERIODS.encode(), {"system": system, "board": name}).fetchall()]
    if period not in periods:
        more = f" and {len(periods) - PERIODS_NAMED:,} more" if len(periods) > PERIODS_NAMED else ""
        raise ConfigurationError(
            f"Board {name} has no period {period}; choose with --period: {', '.join(periods[:PERIODS_NAMED])}{more}."
        )
