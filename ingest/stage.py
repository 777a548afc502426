"""A file's rows on their way: copied as text into `arriving_text`, judged by Postgres, cast into `arriving`.

Both are temporary tables of the file's transaction. Postgres itself says whether a value is valid for its type.
"""

from collections.abc import Iterator
from datetime import timedelta

from psycopg import Connection, sql

from ingest.contract import Column, Table
from ingest.decode import Refusal, read_batches
from ingest.landing import LandingFile
from ingest.validate import explain, validate

# Types whose every well-spelt text is a valid value, so that Postgres need not be asked again.
_SETTLED_BY_SPELLING = ("text", "varchar", "uuid", "boolean")


def stage(connection: Connection, table: Table, file: LandingFile) -> list[Refusal]:
    """Fill `arriving` (`_line` and the table's typed columns) with the rows that fit; a refusal for each other."""
    copied, refusals = _copy_text(connection, table, file)
    broken = _broken(table, file)
    cast = connection.execute(
        sql.SQL(
            "create temporary table arriving on commit drop as select _line, {} from arriving_text where {} is null"
        ).format(sql.SQL(", ").join(_cast(column) for column in table.columns), broken)
    ).rowcount
    connection.execute("analyze arriving")
    # Judging costs as much as casting (0.3 s for 40,000 rows with jsonb), so it is done again only for a reason.
    if cast < copied:
        refusals += _refused_by_postgres(connection, table, broken)
    connection.execute("drop table arriving_text")
    return refusals


def _copy_text(connection: Connection, table: Table, file: LandingFile) -> tuple[int, list[Refusal]]:
    copied, refusals = 0, []
    names = [column.name for column in table.columns]
    fields = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in names)
    connection.execute(sql.SQL("create temporary table arriving_text (_line bigint, {}) on commit drop").format(fields))
    with connection.cursor() as cursor, cursor.copy("copy arriving_text from stdin (format csv)") as copy:
        for batch in read_batches(file, table):
            frame, refused = validate(batch, table)
            copied += frame.height
            refusals += refused
            if frame.height:
                # Strings are quoted and nulls are not, which is how Postgres tells '' from null.
                copy.write(frame.select("_line", *names).write_csv(include_header=False, quote_style="non_numeric"))
    return copied, refusals


def _refused_by_postgres(connection: Connection, table: Table, broken: sql.Composable) -> list[Refusal]:
    columns = {column.name: column for column in table.columns}
    rows = connection.execute(
        sql.SQL("select _line, {}, {} from arriving_text where {} is not null").format(
            broken, sql.SQL(", ").join(map(sql.Identifier, columns)), broken
        )
    )
    refusals = []
    for line, verdict, *values in rows:
        rule, _, name = verdict.partition(":")
        value = dict(zip(columns, values, strict=True))[name]
        refusals.append(Refusal(line, rule, explain(rule, columns[name], value)))
    return refusals


def _cast(column: Column) -> sql.Composable:
    name = sql.Identifier(column.name)
    return sql.SQL("{}::{} as {}").format(name, sql.SQL(column.type), name)


def _broken(table: Table, file: LandingFile) -> sql.Composable:
    """An expression over `arriving_text`: `rule:column` for the first value that is not valid, else null."""
    cases = list(_cases(table, file))
    if not cases:
        return sql.SQL("null::text")
    return sql.SQL("case {} end").format(sql.SQL(" ").join(cases))


def _cases(table: Table, file: LandingFile) -> Iterator[sql.Composable]:
    for column in table.columns:
        if column.type.startswith(_SETTLED_BY_SPELLING) and not column.type.endswith("[]"):
            continue
        yield sql.SQL("when not pg_input_is_valid({}, {}) then {}").format(
            sql.Identifier(column.name), column.type, f"type:{column.name}"
        )
    if table.partition_column and table.sane_window:
        until = file.delivered_on + timedelta(days=table.sane_window.days_after_delivery)
        yield sql.SQL("when {0}::timestamptz < {1} or {0}::timestamptz >= {2} then {3}").format(
            sql.Identifier(table.partition_column),
            f"{table.sane_window.first_day}T00:00:00Z",
            f"{until}T00:00:00Z",
            f"window:{table.partition_column}",
        )
