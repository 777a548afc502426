"""A file's rows on their way: read, judged and copied into `arriving`, a temporary table of the file's transaction.

A batch whose every value Postgres accepts is copied straight into typed columns; only where it refuses one, the batch
is copied as text and judged row by row. Rows whose key and content the registry knows are counted and go no further.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import polars as pl
import psycopg
from psycopg import Connection, sql

from ingest.batch import Refusal
from ingest.contract import Table
from ingest.keys import holds_keys, registry
from ingest.landing import LandingFile
from ingest.reader import read_rows
from ingest.validate import explain

# Types whose every well-spelt text is a valid value, so that Postgres need not be asked again.
_SETTLED_BY_SPELLING = ("text", "varchar", "uuid", "boolean")


@dataclass
class Staged:
    """What became of a file's rows before they meet their table; every other row is in `arriving`."""

    duplicates: int = 0
    refusals: list[Refusal] = field(default_factory=list)


def stage(
    connection: Connection, table: Table, file: LandingFile, on_rows: Callable[[int, int], None] = lambda *_: None
) -> Staged:
    """Fill `arriving` (`_line`, the table's typed columns, `_hash`) with the rows that may be new.

    `on_rows` hears after each batch how many rows and bytes of the file have been read so far.
    """
    types = {column.name: column.type for column in table.columns}
    _create(connection, "arriving", types)
    is_probed = table.load_mode == "append" and holds_keys(connection, table)
    if is_probed:
        _create(connection, "probing", {name: types[name] for name in table.key})
    staged, rows = Staged(), 0
    for batch in read_rows(file, table):
        staged.refusals += batch.refusals
        unknown = _unknown(connection, table, batch.frame) if is_probed and batch.frame.height else batch.frame
        staged.duplicates += batch.frame.height - unknown.height
        if unknown.height:
            staged.refusals += _copy(connection, table, unknown)
        rows += batch.frame.height + len(batch.refusals)
        on_rows(rows, batch.bytes_read)
    if is_probed:
        connection.execute("drop table probing")
    staged.refusals += _outside_window(connection, table, file)
    return staged


def _create(connection: Connection, name: str, types: Mapping[str, str]) -> None:
    fields = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind)) for column, kind in types.items()
    )
    connection.execute(
        sql.SQL("create temporary table {} (_line bigint, {}, _hash bigint) on commit drop").format(
            sql.Identifier(name), fields
        )
    )


def _unknown(connection: Connection, table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows that the registry does not hold with this very content."""
    try:
        with connection.transaction():
            connection.execute("truncate probing")
            _copy_rows(connection, "probing", frame.select("_line", *table.key, "_hash"))
    except psycopg.DataError:
        return frame
    # A scalar subquery is looked up in the index for each row; as a join it could become a scan of all history.
    # Neighbouring keys share pages of the index, and of the registry itself, which was filled in their order.
    lines = connection.execute(
        sql.SQL(
            "select _line from (select * from probing order by {keys}) as p"
            " where _hash is distinct from (select _hash from {registry} r where {is_key})"
        ).format(
            keys=sql.SQL(", ").join(map(sql.Identifier, table.key)),
            registry=registry(table),
            is_key=sql.SQL(" and ").join(sql.SQL("r.{0} = p.{0}").format(sql.Identifier(name)) for name in table.key),
        )
    ).fetchall()
    if len(lines) == frame.height:
        return frame
    return frame.filter(pl.col("_line").is_in([line for (line,) in lines]))


def _copy(connection: Connection, table: Table, frame: pl.DataFrame) -> list[Refusal]:
    """Copy rows into `arriving`; a refusal for each that holds a value Postgres does not accept."""
    try:
        with connection.transaction():
            _copy_rows(connection, "arriving", frame)
    except psycopg.DataError:
        return _copy_judged(connection, table, frame)
    return []


def _copy_rows(connection: Connection, target: str, frame: pl.DataFrame) -> None:
    # Strings are quoted and nulls are not, which is how Postgres tells '' from null.
    rows = frame.write_csv(include_header=False, quote_style="non_numeric", datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ")
    copy = sql.SQL("copy {} from stdin (format csv)").format(sql.Identifier(target))
    with connection.cursor() as cursor, cursor.copy(copy) as stream:
        stream.write(rows)


def _copy_judged(connection: Connection, table: Table, frame: pl.DataFrame) -> list[Refusal]:
    """Copy rows as text, let Postgres judge each, cast those it accepts into `arriving`."""
    columns = {column.name: column for column in table.columns}
    _create(connection, "judged", dict.fromkeys(columns, "text"))
    _copy_rows(connection, "judged", frame)
    broken = _broken(table)
    connection.execute(
        sql.SQL("insert into arriving select _line, {}, _hash from judged where {} is null").format(
            sql.SQL(", ").join(
                sql.SQL("{}::{}").format(sql.Identifier(column.name), sql.SQL(column.type)) for column in table.columns
            ),
            broken,
        )
    )
    rows = connection.execute(
        sql.SQL("select _line, {}, {} from judged where {} is not null").format(
            broken, sql.SQL(", ").join(map(sql.Identifier, columns)), broken
        )
    ).fetchall()
    connection.execute("drop table judged")
    refusals = []
    for line, verdict, *values in rows:
        rule, _, name = verdict.partition(":")
        value = dict(zip(columns, values, strict=True))[name]
        refusals.append(Refusal(line, rule, explain(rule, columns[name], value)))
    return refusals


def _broken(table: Table) -> sql.Composable:
    """An expression over `judged`: `type:column` for the first value that is not valid, else null."""
    cases = [
        sql.SQL("when not pg_input_is_valid({}, {}) then {}").format(
            sql.Identifier(column.name), column.type, f"type:{column.name}"
        )
        for column in table.columns
        if column.type.endswith("[]") or not column.type.startswith(_SETTLED_BY_SPELLING)
    ]
    return sql.SQL("case {} end").format(sql.SQL(" ").join(cases)) if cases else sql.SQL("null::text")


def _outside_window(connection: Connection, table: Table, file: LandingFile) -> list[Refusal]:
    """Take the rows out of `arriving` whose instant lies outside the sane window."""
    if not table.partition_column or not table.sane_window:
        return []
    column = next(column for column in table.columns if column.name == table.partition_column)
    until = file.delivered_on + timedelta(days=table.sane_window.days_after_delivery)
    rows = connection.execute(
        sql.SQL("delete from arriving where {0} < {1} or {0} >= {2} returning _line, {0}::text").format(
            sql.Identifier(column.name), f"{table.sane_window.first_day}T00:00:00Z", f"{until}T00:00:00Z"
        )
    ).fetchall()
    return [Refusal(line, "window", explain("window", column, value)) for line, value in rows]
