"""The rows of one source table on their way to parquet: which of them are asked for, and in what types they travel.

Postgres prints every value and parquet keeps the text, except where a type holds each value exactly: integers,
booleans, instants. Frames are bounded in rows and bytes, so that memory does not grow with the table.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import psycopg
from psycopg import Connection, sql

from ingest.errors import ConfigurationError
from ingest.pull_cursor import REMEMBERED_TRANSACTIONS, TableCursor
from ingest.pull_tables import SourceTable

FRAME_ROWS = 50_000
FRAME_BYTES = 32 * 2**20

Types = dict[str, pl.DataType]

INSTANT = pl.Datetime("us", "UTC")
TEXT = pl.String()
# By the type at the source; a value of any other type travels as the text that Postgres prints.
EXACT_TYPES: Types = {
    "smallint": pl.Int64(),
    "integer": pl.Int64(),
    "bigint": pl.Int64(),
    "boolean": pl.Boolean(),
    "timestamp with time zone": INSTANT,
}
XMIN = "xmin"  # Postgres lets no table have a column of this name


class InstantError(Exception):
    """A column holds an instant that its type cannot, such as infinity; `column` must travel as text."""

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self.column = column


@dataclass
class Passed:
    """What went by while rows were read: how many, which transactions from `horizon` on wrote them, their digest."""

    horizon: int
    rows: int = 0
    transactions: set[int] = field(default_factory=set)
    digest: Any = field(default_factory=hashlib.sha256)


def parquet_types(table: SourceTable, texts: set[str]) -> Types:
    """The type of each column in parquet; `texts` are columns that must be text whatever their type."""
    return {name: TEXT if name in texts else EXACT_TYPES.get(kind, TEXT) for name, kind in table.types.items()}


def everything_sorted(table: SourceTable) -> sql.Composed:
    """All rows in the order of their key, so that equal content is equal text."""
    key = sql.SQL(", ").join(sql.Identifier("t", name) for name in table.table.key)
    return sql.SQL("select {} from {} t order by {}").format(_values(table), table.identifier, key)


def everything(table: SourceTable) -> sql.Composed:
    """All rows, each behind the transaction that wrote it."""
    return sql.SQL("select t.xmin, {} from {} t").format(_values(table), table.identifier)


def changes(table: SourceTable, known: TableCursor, horizon: int) -> sql.Composed:
    """The rows that the last pull did not see, each behind the transaction that wrote it; reads the whole table.

    `horizon` is the xmin of the last pull's snapshot, in 64 bits. `age` counts back from now on the circle of 32 bits,
    where a row frozen long ago may pass for a new one, but no new one for an old one.
    """
    return sql.SQL(
        "{rows} where (age(t.xmin) between 1 and age({horizon}::xid) and t.xmin <> all({seen}::xid[]))"
        " or t.tableoid = any({added}::oid[])"
    ).format(
        rows=everything(table),
        horizon=str(horizon % 2**32),
        seen=_array(known.seen),
        added=_array(set(table.parts) - set(known.parts)),
    )


def read(
    connection: Connection, query: sql.Composed, table: SourceTable, types: Types, passed: Passed
) -> Iterator[pl.DataFrame]:
    """The rows of a query in frames of `types`, without their transactions; InstantError where a type does not hold."""
    try:
        with connection.cursor().copy(sql.SQL("copy ({}) to stdout (format csv)").format(query)) as copy:
            lines: list[Any] = []
            size = 0
            for line in copy:
                lines.append(line)
                size += len(line)
                if len(lines) >= FRAME_ROWS or size >= FRAME_BYTES:
                    yield _frame(lines, table, types, passed)
                    lines, size = [], 0
            if lines:
                yield _frame(lines, table, types, passed)
    except psycopg.DataError as error:
        # Such as bytes that are no text, which a database without an encoding lets in.
        place = f"{table.table.system}.{table.table.name}"
        raise ConfigurationError(f"The source cannot print a row of {place}; correct it there ({error}).") from error


def _frame(lines: list[Any], table: SourceTable, types: Types, passed: Passed) -> pl.DataFrame:
    """One row per line: the server sends each row by itself."""
    csv = b"".join(lines)
    printed = {name: TEXT if kind == INSTANT else kind for name, kind in types.items()}
    if not table.read_whole:
        printed = {XMIN: pl.Int64(), **printed}
    frame = pl.read_csv(csv, has_header=False, schema=printed)
    if frame.height != len(lines):
        place = f"{table.table.system}.{table.table.name}"
        raise ConfigurationError(
            f"The source sent {len(lines)} rows of {place} that read as {frame.height}; nothing of it is delivered."
        )
    passed.rows += frame.height
    if table.read_whole:
        passed.digest.update(csv)
    elif len(passed.transactions) <= REMEMBERED_TRANSACTIONS:
        writers = frame[XMIN].unique()
        passed.transactions.update(writers.filter(writers >= passed.horizon))
    instants = [_instants(frame[name]) for name, kind in types.items() if kind == INSTANT]
    return frame.with_columns(instants).select(list(types))


def _instants(printed: pl.Series) -> pl.Series:
    """Instants from `2026-05-31 23:59:59.999999+00`; what else there is, is infinite, before Christ or after 9999."""
    instants = printed.str.to_datetime("%Y-%m-%d %H:%M:%S%.f%#z", time_unit="us", time_zone="UTC", strict=False)
    if instants.null_count() > printed.null_count():
        raise InstantError(printed.name)
    return instants


def _values(table: SourceTable) -> sql.Composed:
    """The contract's columns; restricted ones are not among them and so are never asked for."""
    # COPY prints booleans as t and f, which CSV readers do not take for booleans.
    casts = {name: "::text" if kind == "boolean" else "" for name, kind in table.types.items()}
    return sql.SQL(", ").join(sql.Identifier("t", name) + sql.SQL(cast) for name, cast in casts.items())


def _array(numbers: Iterable[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"
