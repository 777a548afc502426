"""A file's rows on their way: read, judged and copied into `arriving`, a temporary table of the file's transaction.

Where an append table holds rows, a file is read twice. First for its fingerprints: rows that the registry knows are
counted and go no further. Then for the rest, if there is any. A batch whose every value Postgres accepts is
copied straight into typed columns; only where it refuses one, the batch is copied as text and judged row by row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import polars as pl
import psycopg
from psycopg import Connection, errors, sql

from ingest.batch import Refusal
from ingest.contract import Column, Table
from ingest.errors import UnreadableFileError
from ingest.fingerprint import FINGERPRINT
from ingest.keys import holds_keys, registry
from ingest.landing import LandingFile
from ingest.reader import Read, decode, encode, opened
from ingest.validate import explain

# What Postgres says of values it does not take; the latter two of those that are too deep or too large for it.
NOT_ACCEPTED = (psycopg.DataError, errors.StatementTooComplex, errors.ProgramLimitExceeded)
# Types whose every well-spelt text is a valid value, so that Postgres need not be asked again.
_SETTLED_BY_SPELLING = ("text", "varchar", "uuid", "boolean")
_LARGE_SHARE = 4  # a file of more than a quarter of the registry's bytes is a large one


@dataclass
class Staged:
    """What became of a file's rows before they meet their table; every other row is in `arriving`."""

    duplicates: int = 0
    refusals: list[Refusal] = field(default_factory=list)


def stage(
    connection: Connection, table: Table, file: LandingFile, on_rows: Callable[[int, int], None] = lambda *_: None
) -> Staged:
    """Fill `arriving` (`_line`, the table's typed columns, the fingerprint) with the rows that may be new.

    `on_rows` hears after each batch how many rows and bytes of the file have been read so far; bytes that are read
    twice count half each time.
    """
    types = {column.name: column.type for column in table.columns}
    # Of an earlier file, if this one's transaction is part of another.
    connection.execute("drop table if exists pg_temp.arriving, pg_temp.fate, pg_temp.probing")
    _create(connection, "arriving", types)
    staged, unknown = Staged(), None
    with opened(file, table) as read:
        if table.load_mode == "append" and holds_keys(connection, table):
            unknown, staged = _find_unknown(connection, table, file, read, on_rows)
            if unknown.is_empty():
                return staged
        arrived, before = 0, staged.duplicates + len(staged.refusals)
        for rows in read("rows", unknown):
            staged.refusals += rows.refusals
            if rows.count:
                staged.refusals += _copy(connection, table, rows.csv)
            arrived += rows.count + len(rows.refusals)
            size = file.path.stat().st_size
            on_rows(before + arrived, rows.bytes_read if unknown is None else (size + rows.bytes_read) // 2)
    if unknown is not None and arrived != len(unknown):
        raise UnreadableFileError("it changed while it was read; deliver it under a new name")
    staged.refusals += _out_of_bounds(connection, table, file)
    return staged


def _create(connection: Connection, name: str, types: Mapping[str, str]) -> None:
    columns = {"_line": "bigint", **types, **dict.fromkeys(FINGERPRINT, "bigint")}
    fields = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind)) for column, kind in columns.items()
    )
    connection.execute(sql.SQL("create temporary table {} ({}) on commit drop").format(sql.Identifier(name), fields))


def _find_unknown(
    connection: Connection, table: Table, file: LandingFile, read: Read, on_rows: Callable[[int, int], None]
) -> tuple[pl.Series, Staged]:
    """The lines, in order, that the registry does not hold just so; and what became of the others."""
    staged, lines = Staged(), [pl.Series("_line", dtype=pl.Int64)]
    by_key = not _is_large(connection, table, file)
    types = {column.name: column.type for column in table.columns}
    key = table.key if by_key else ()
    _create(connection, "probing", {name: types[name] for name in key})
    for rows in read("keys" if by_key else "fingerprints"):
        staged.refusals += rows.refusals
        staged.duplicates += rows.count
        lines.append(pl.Series("_line", rows.unsure, dtype=pl.Int64))
        try:
            if rows.csv:
                with connection.transaction():
                    _copy_rows(connection, "probing", rows.csv)
        except NOT_ACCEPTED:
            lines.append(decode(rows.csv, ("_line", *key, *FINGERPRINT))["_line"].cast(pl.Int64))
        on_rows(staged.duplicates + len(staged.refusals), rows.bytes_read // 2)
    query = _unknown_by_key(table) if by_key else _unknown_at_large(table)
    with connection.cursor() as cursor, cursor.copy(sql.SQL("copy ({}) to stdout").format(query)) as stream:
        found = b"".join(stream)
    if found:
        lines.append(pl.read_csv(found, has_header=False, schema={"_line": pl.Int64})["_line"])
    connection.execute("drop table probing")
    unknown = pl.concat(lines).sort()
    staged.duplicates -= len(unknown)
    return unknown, staged


def _is_large(connection: Connection, table: Table, file: LandingFile) -> bool:
    """Whether to read the whole registry for the file's rows: then no value of theirs need be read.

    Beside 2 million entries that takes 2.2 microseconds a row of ndjson and 0.25 an entry, against 3.5 a row for
    reading its key and looking it up. A row of ndjson is 7 times as long as an entry, one of parquet half as long. As
    it is, both ways take the same for 200,000 rows of ndjson or csv; 100,000 of ndjson take 0.9 s instead of 0.64,
    2 million of parquet 2.5 s instead of 3.3.
    """
    ((size,),) = connection.execute("select pg_relation_size(%s)", (registry(table).as_string(),)).fetchall()
    return bool(file.path.stat().st_size * _LARGE_SHARE > size)


def _unknown_at_large(table: Table) -> sql.Composed:
    return sql.SQL(
        "select _line from probing where not exists"
        " (select from {} as r where r._hash = probing._hash and r._check = probing._check)"
    ).format(registry(table))


def _unknown_by_key(table: Table) -> sql.Composed:
    """Each row is looked up in the index by itself, so that the cost follows the file and not the registry."""
    return sql.SQL(
        # Neighbouring keys share pages of the index. With an offset the lookup cannot become a join.
        "select _line from (select * from probing order by {}) as p where not exists"
        " (select from {} as r where {} and r._hash = p._hash and r._check = p._check offset 0)"
    ).format(
        sql.SQL(", ").join(map(sql.Identifier, table.key)),
        registry(table),
        sql.SQL(" and ").join(sql.SQL("r.{0} = p.{0}").format(sql.Identifier(name)) for name in table.key),
    )


def _copy(connection: Connection, table: Table, rows: bytes) -> list[Refusal]:
    """Copy rows into `arriving`; a refusal for each that holds a value Postgres does not accept.

    Some values (JSON that is nested too deeply, NUL in an array) end even the judging: then the rows are halved until
    those that hold one stand alone.
    """
    try:
        with connection.transaction():
            _copy_rows(connection, "arriving", rows)
        return []
    except NOT_ACCEPTED:
        pass
    try:
        with connection.transaction():
            return _copy_judged(connection, table, rows)
    except NOT_ACCEPTED as error:
        frame = decode(rows, ["_line", *(column.name for column in table.columns), *FINGERPRINT])
        if frame.height == 1:
            return [Refusal(int(frame["_line"][0]), "type", f"Postgres does not take a value ({_first_line(error)})")]
        half = frame.height // 2
        return _copy(connection, table, encode(frame[:half])) + _copy(connection, table, encode(frame[half:]))


def _first_line(error: psycopg.Error) -> str:
    return (error.diag.message_primary or str(error)).splitlines()[0]


def _copy_rows(connection: Connection, target: str, rows: bytes) -> None:
    copy = sql.SQL("copy {} from stdin (format csv)").format(sql.Identifier(target))
    with connection.cursor() as cursor, cursor.copy(copy) as stream:
        stream.write(rows)


def _copy_judged(connection: Connection, table: Table, rows: bytes) -> list[Refusal]:
    """Copy rows as text, let Postgres judge each, cast those it accepts into `arriving`."""
    columns = {column.name: column for column in table.columns}
    _create(connection, "judged", dict.fromkeys(columns, "text"))
    _copy_rows(connection, "judged", rows)
    broken = _broken(table)
    connection.execute(
        sql.SQL("insert into arriving select _line, {}, {} from judged where {} is null").format(
            sql.SQL(", ").join(
                sql.SQL("{}::{}").format(sql.Identifier(column.name), sql.SQL(column.type)) for column in table.columns
            ),
            sql.SQL(", ").join(map(sql.Identifier, FINGERPRINT)),
            broken,
        )
    )
    refused = connection.execute(
        sql.SQL("select _line, {}, {} from judged where {} is not null").format(
            broken, sql.SQL(", ").join(map(sql.Identifier, columns)), broken
        )
    ).fetchall()
    connection.execute("drop table judged")
    refusals = []
    for line, verdict, *values in refused:
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


def _out_of_bounds(connection: Connection, table: Table, file: LandingFile) -> list[Refusal]:
    """Take the rows out of `arriving` whose instant lies outside the sane window, or a number outside its bounds."""
    columns = {column.name: column for column in table.columns}
    cases = [(f"bounds:{name}", name, limits) for name, column in columns.items() if (limits := _limits(column))]
    if table.partition_column and table.sane_window:
        until = file.delivered_on + timedelta(days=table.sane_window.days_after_delivery)
        window = sql.SQL("{0} < {1} or {0} >= {2}").format(
            sql.Identifier(table.partition_column),
            f"{table.sane_window.first_day}T00:00:00Z",
            f"{until}T00:00:00Z",
        )
        cases.insert(0, (f"window:{table.partition_column}", table.partition_column, window))
    if not cases:
        return []
    broken = sql.SQL(" ").join(
        sql.SQL("when {} then array[{}, {}::text]").format(condition, verdict, sql.Identifier(name))
        for verdict, name, condition in cases
    )
    rows = connection.execute(
        sql.SQL("delete from arriving where {} returning _line, case {} end").format(
            sql.SQL(" or ").join(condition for _, _, condition in cases), broken
        )
    ).fetchall()
    found = [(line, *verdict.split(":", 1), value) for line, (verdict, value) in rows]
    return [Refusal(line, rule, explain(rule, columns[name], value)) for line, rule, name, value in found]


def _limits(column: Column) -> sql.Composable | None:
    limits = [
        sql.SQL("{} {} {}").format(sql.Identifier(column.name), sql.SQL(operator), bound)
        for bound, operator in ((column.minimum, "<"), (column.maximum, ">"))
        if bound is not None
    ]
    return sql.SQL(" or ").join(limits) if limits else None
