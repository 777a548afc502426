"""`tally explore`: the marts in DuckDB, read from Postgres as they are asked for, or in the copy of `tally lake`.

A `numeric` of Postgres has no declared precision, which DuckDB would read as a double; marts with such columns are
therefore asked through Postgres with nine decimals declared.
"""

from __future__ import annotations

import readline
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project.commands.tables import console, plural, table

if TYPE_CHECKING:
    import duckdb

    from ingest.settings import Settings

DECIMALS = "numeric(38, 9)"
ROWS_SHOWN = 100

COLUMNS = """
    select table_name, array_agg(array[column_name, data_type] order by ordinal_position)
    from information_schema.columns
    where table_schema = 'marts'
    group by table_name
    order by table_name
"""


def explore(
    sql: Annotated[str | None, typer.Option(help="Run this and leave.", metavar="QUERY")] = None,
    lake: Annotated[
        bool, typer.Option("--lake", help="Ask the copy that `tally lake` made, with the raw tables; needs no server.")
    ] = False,
) -> None:
    """Ask the marts in DuckDB's SQL: a prompt, or one query."""
    import duckdb

    from ingest.errors import ConfigurationError
    from ingest.settings import Settings

    settings = Settings.from_environment()
    connection, marts = _open_copy(settings) if lake else _open(settings)
    if sql is None:
        _converse(connection, marts, settings.home / "explore_history")
        return
    try:
        _show(connection.execute(sql), limit=None)
    except duckdb.Error as error:
        raise ConfigurationError(f"The query was refused: {str(error).splitlines()[0]}") from error


def _open(settings: Settings) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
    """DuckDB with one view for each mart, and the names of the marts."""
    from dagster_project.commands.connections import ANALYST, as_analyst
    from ingest.duck import attach_postgres, connect
    from ingest.errors import ConfigurationError

    with as_analyst(settings) as postgres:
        marts = dict(postgres.execute(COLUMNS).fetchall())
    if not marts:
        raise ConfigurationError("There are no marts yet; `tally run` builds them.")
    connection = connect(settings)
    attach_postgres(connection, settings, role=ANALYST)
    connection.execute("create schema marts")
    for name, columns in marts.items():
        connection.execute(f'create view marts."{name}" as {_select(name, columns)}')
    return connection, list(marts)


def _open_copy(settings: Settings) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
    """The copy, read-only, and the names of its marts."""
    import duckdb

    from dagster_project.commands.lake import copy_file
    from ingest.errors import ConfigurationError

    copy = copy_file(settings)
    if not copy.exists():
        raise ConfigurationError("There is no copy of the marts yet; `tally lake` makes one.")
    connection = duckdb.connect(copy, read_only=True, config={"autoinstall_known_extensions": "false"})
    connection.execute("set timezone = 'UTC'")
    names = "select table_name from information_schema.tables where table_schema = 'marts' order by 1"
    return connection, [name for (name,) in connection.execute(names).fetchall()]


def _select(name: str, columns: list[list[str]]) -> str:
    from ingest.duck import quoted

    if all(kind != "numeric" for _, kind in columns):
        return f'select * from postgres.marts."{name}"'  # noqa: S608 names come from the database's own catalogue
    exact = ", ".join(f'"{column}"{f"::{DECIMALS}" if kind == "numeric" else ""}' for column, kind in columns)
    query = f'select {exact} from marts."{name}"'  # noqa: S608
    return f"select * from postgres_query('postgres', {quoted(query)})"  # noqa: S608


def _converse(connection: duckdb.DuckDBPyConnection, marts: list[str], history: Path) -> None:
    import duckdb

    print(f"The marts: {', '.join(marts)}.\nEnd a query with a semicolon; \\q leaves.")
    if history.exists():
        readline.read_history_file(history)
    for query in _queries():
        try:
            _show(connection.execute(query), limit=ROWS_SHOWN)
        except duckdb.Error as error:
            print(error)
        except KeyboardInterrupt:
            connection.interrupt()
    readline.write_history_file(history)


def _queries() -> Iterator[str]:
    """What is typed, up to each semicolon; ends at `\\q` or Ctrl-D, and Ctrl-C drops what was typed so far."""
    lines: list[str] = []
    while True:
        try:
            line = input("     > " if lines else "marts> ").strip()
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print()
            lines.clear()
            continue
        if line == "\\q":
            return
        lines += [line] if line else []
        if line.endswith(";"):
            yield "\n".join(lines)
            lines.clear()


def _show(result: duckdb.DuckDBPyConnection, limit: int | None) -> None:
    rows = result.fetchall() if limit is None else result.fetchmany(limit + 1)
    names = [column[0] for column in result.description or ()]
    console().print(table(None, names, [[_without_zeros(value) for value in row] for row in rows[:limit]]))
    more = limit is not None and len(rows) > limit
    console().print(f"(the first {limit} rows)" if more else f"({plural(len(rows), 'row')})", style="dim")


def _without_zeros(value: object) -> object:
    """A decimal without the zeros that its nine places end in; by its text, since arithmetic would round 38 digits."""
    text = f"{value:f}" if isinstance(value, Decimal) else ""
    return Decimal(text.rstrip("0").rstrip(".")) if "." in text else value
