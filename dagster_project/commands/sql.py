"""`tally sql`: a query of the marts."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from dagster_project.commands.tables import console, plural, table, until_read_enough

if TYPE_CHECKING:
    import psycopg

ROWS_AT_A_TIME = 1_000
Row = tuple[Any, ...]
Rows = Iterator[Row]


class Format(StrEnum):
    """How rows are written."""

    table = "table"
    csv = "csv"
    json = "json"


def sql(
    query: Annotated[str, typer.Argument(help="One statement, such as: select * from marts.settlements")],
    format: Annotated[
        Format, typer.Option(help="csv and json write every value exactly, and nothing else.")
    ] = Format.table,
) -> None:
    """Run a read-only query as the analyst role."""
    import psycopg

    from dagster_project.commands.connections import as_analyst
    from ingest.settings import Settings

    with as_analyst(Settings.from_environment()) as connection, connection.cursor() as cursor:
        _keep_json_verbatim(cursor, format)
        try:
            # A stream takes one statement only, and holds a thousand rows of a result that may be larger than memory.
            # Until it is closed it keeps the connection locked, also against being closed.
            with (
                until_read_enough(),
                closing(cast("Generator[Row]", cursor.stream(query, size=ROWS_AT_A_TIME))) as rows,
            ):
                first = list(islice(rows, 1))
                WRITERS[format](_columns(cursor, query), chain(first, rows))
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            raise _refusal(error, connection) from error


def _keep_json_verbatim(cursor: psycopg.Cursor[Any], format: Format) -> None:
    """Parsing JSON and writing it again would turn its numbers into floats."""
    import msgspec
    from psycopg.types.json import set_json_loads

    set_json_loads(msgspec.Raw if format is Format.json else _as_text, cursor)


def _as_text(data: str | bytes) -> str:
    return data if isinstance(data, str) else data.decode()


def _refusal(error: psycopg.Error, connection: psycopg.Connection) -> Exception:
    from psycopg import errors

    from dagster_project.commands.missing import refuse_without_marts
    from ingest.errors import ConfigurationError

    sentence = error.diag.message_primary or " ".join(str(error).split())
    if "multiple commands" in sentence:
        sentence = "it is more than one statement"
    elif not error.sqlstate and not isinstance(error, errors.DataError):
        # psycopg's own words, not the server's, on an answer without rows; a COPY also leaves the connection unusable.
        connection.close()
        sentence = "it gives no rows, as a select does"
    elif isinstance(error, errors.UndefinedTable):
        connection.rollback()
        refuse_without_marts(connection)
    if isinstance(error, errors.InsufficientPrivilege):
        sentence += "; the analyst role reads the schemas marts and audit"
    elif error.diag.message_hint:
        sentence += f" ({error.diag.message_hint.removesuffix('.')})"
    return ConfigurationError(f"The query was refused: {sentence}.")


def _columns(cursor: psycopg.Cursor[Any], query: str) -> list[str]:
    """The names of the columns; a stream that ended without a row knows none, so Postgres describes the query."""
    if cursor.description:
        return [column.name for column in cursor.description]
    session = cursor.connection.pgconn
    session.prepare(b"", query.encode())
    described = session.describe_prepared(b"")
    return [(described.fname(position) or b"").decode() for position in range(described.nfields)]


def _write_table(names: list[str], rows: Rows) -> None:
    shown = [[_shown(value) for value in row] for row in rows]
    console().print(table(None, names, shown, separators=False))
    console().print(f"({plural(len(shown), 'row')})", style="dim")


def _write_csv(names: list[str], rows: Rows) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow(["" if value is None else _written(value) for value in row])


def _write_json(names: list[str], rows: Rows) -> None:
    import msgspec

    encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=str)
    before = "[\n"
    for row in rows:
        sys.stdout.write(before + encoder.encode(dict(zip(names, row, strict=True))).decode())
        before = ",\n"
    sys.stdout.write("[]\n" if before == "[\n" else "\n]\n")


WRITERS: Mapping[Format, Callable[[list[str], Rows], None]] = {
    Format.table: _write_table,
    Format.csv: _write_csv,
    Format.json: _write_json,
}


def _shown(value: Any) -> Any:
    return value if isinstance(value, int | Decimal | None) else _written(value)


def _written(value: Any) -> str:
    """A value as text: exact, and the same for CSV and the terminal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return json.dumps(value, default=_written, ensure_ascii=False)
    return str(value)
