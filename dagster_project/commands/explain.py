"""`tally explain`: the arithmetic behind one number, step by step, from what the marts hold.

How each system's contests are reckoned is in `reckoning`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from psycopg import Connection

NEAR_IDS = 3
SHORTEST_PREFIX = 3

app = typer.Typer(no_args_is_help=True, help="Show the arithmetic behind a number, step by step.")

CONTEST = """
    select * from marts.settlements
    where contest_id = %(contest_id)s and (%(system)s::text is null or system = %(system)s)
    order by system
"""
# The longer the common beginning, the nearer; ids are random, so no other likeness means anything.
NEAR = """
    select contest_id from marts.settlements
    where starts_with(contest_id, %(beginning)s) and (%(system)s::text is null or system = %(system)s)
    order by contest_id
    limit %(shown)s
"""


@app.callback()
def explain() -> None:
    """Show the arithmetic behind a number, step by step."""


@app.command()
def contest(
    contest_id: Annotated[
        str, typer.Argument(metavar="ID", help="A funpot event, hermes market or advert_market deal.")
    ],
    system: Annotated[str | None, typer.Option(help="The system, where two know the id.")] = None,
) -> None:
    """Show how one contest was settled: stakes, fee, every share, and what was paid, in whole units."""
    from psycopg.rows import dict_row

    from dagster_project.commands.connections import as_analyst
    from dagster_project.commands.missing import refuse_without_marts
    from dagster_project.commands.reckoning import reckon
    from dagster_project.commands.tables import console
    from ingest.settings import Settings

    with as_analyst(Settings.from_environment()) as connection:
        refuse_without_marts(connection)
        connection.row_factory = dict_row  # type: ignore[assignment]
        settlement = _find(connection, contest_id, system)
        for part in reckon(connection, settlement):
            console().print(part, "")


def _find(connection: Connection, contest_id: str, system: str | None) -> dict[str, Any]:
    from dagster_project.commands.missing import why_missing
    from ingest.errors import ConfigurationError

    parameters = {"contest_id": contest_id, "system": system}
    found: list[Any] = connection.execute(CONTEST, parameters).fetchall()
    if not found:
        why = why_missing(connection, system)
        near = _near(connection, contest_id, system)
        known = f"; near it are {', '.join(near)}" if near else "; `tally sql` lists them in marts.settlements"
        where = f"{system} knows no such contest" if system else "no system knows it"
        raise ConfigurationError(f"There is no contest {contest_id}: {where}{known}{why}.")
    if len(found) > 1:
        systems = " and ".join(row["system"] for row in found)
        raise ConfigurationError(f"Contest {contest_id} is known to {systems}; say which with --system.")
    return dict(found[0])


def _near(connection: Connection, contest_id: str, system: str | None) -> list[str]:
    for length in range(len(contest_id), SHORTEST_PREFIX - 1, -1):
        parameters = {"beginning": contest_id[:length], "system": system, "shown": NEAR_IDS}
        found: list[Any] = connection.execute(NEAR, parameters).fetchall()
        if found:
            return [row["contest_id"] for row in found]
    return []
