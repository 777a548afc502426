"""The list of a table's sealed rows: how it is made, filled and read as trees, and which rows it still lacks.

What an entry holds is told in `seal_rows`. Nothing here knows the seal file.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter

from psycopg import Connection, sql

from ingest.contract import Table
from ingest.ddl import column_names
from ingest.seal_rows import (
    CONTENT,
    LOAD,
    MONTH,
    SALT,
    SEAL,
    VERSION,
    base_type,
    committed,
    hashed,
    is_text,
    key_columns,
    leaf,
    list_columns,
    list_of,
    month_of,
    personal_columns,
    same_key,
    sealed_content,
)

SEALING = sql.Identifier("pg_temp", "sealing")
_ROWS_AT_A_TIME = 20_000


@dataclass(frozen=True)
class Brought:
    """What a load brought: rows, those it refused and may yet bring by replay, and whether there was a replay."""

    accepted: int
    rejected: int
    replayed: bool


def create_list(connection: Connection, table: Table, anew: bool) -> None:
    """Create the table's list, or give it what it lacks since its contract called more columns personal.

    With a table that is made `anew` goes the list of one before it, unless there are seals that its entries are of.
    """
    if anew:
        connection.execute(
            sql.SQL(
                "do $$ begin if not exists (select from audit.seal_trees where (system, table_name) = ({}, {}))"
                " then drop table if exists {}; end if; end $$"
            ).format(table.system, table.name, list_of(table))
        )
    types = {MONTH: "date", SEAL: "integer", LOAD: "bigint", VERSION: "xid", CONTENT: "bytea", SALT: "uuid"}
    types |= {name: _key_type(table, name) for name in table.key}
    types |= {column.name: "bytea" for column in personal_columns(table)}
    optional = {SALT, *(column.name for column in personal_columns(table))}
    named = {name: sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(types[name])) for name in list_columns(table)}
    required = [sql.SQL("{} not null").format(named[name]) for name in named if name not in optional]
    required.append(sql.SQL("primary key ({})").format(column_names(_order(table))))
    connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(f"seals_{table.system}")))
    connection.execute(
        sql.SQL("create table if not exists {} ({})").format(list_of(table), sql.SQL(", ").join(required))
    )
    for name in named:
        if name in optional:
            connection.execute(
                sql.SQL("alter table {} add column if not exists {}").format(list_of(table), named[name])
            )
    connection.execute(
        sql.SQL("comment on table {} is {}").format(
            list_of(table), f"Every sealed row of {table.schema}.{table.name}; the roots in the seal file decide."
        )
    )


def loads_of(connection: Connection, table: Table) -> dict[int, Brought]:
    """The loads of the table."""
    rows = connection.execute(
        "select load_id, rows_accepted, rows_rejected, replayed_at is not null from ingest.loads"
        " where system = %s and table_name = %s and status = 'loaded'",
        (table.system, table.name),
    )
    return {load: Brought(*counts) for load, *counts in rows}


def gather(connection: Connection, table: Table, number: int, upto_load: int, replayed: list[int]) -> None:
    """Make the entries of seal `number` in a temporary table: rows of loads after one, and of some that were replayed.

    A row has an entry in one seal only, so what was sealed is not read, except the entries of replayed loads.
    """
    personal = personal_columns(table)
    wanted: sql.Composable = sql.SQL("r.{} > {}").format(sql.Identifier(LOAD), upto_load)
    if replayed:
        wanted = sql.SQL(
            "{newer} or r.{load} = any({replayed}) and not exists (select from {list} l where {same_key})"
        ).format(
            newer=wanted,
            load=sql.Identifier(LOAD),
            replayed=replayed,
            list=list_of(table),
            same_key=same_key(table, "l", "r"),
        )
    entries: dict[str, sql.Composable] = {
        **key_columns(table, "r"),
        SEAL: sql.SQL("{}::integer").format(number),
        LOAD: sql.Identifier("r", LOAD),
        VERSION: sql.Identifier("r", VERSION),
        CONTENT: hashed(sealed_content(table, "r")),
        SALT: sql.Identifier("r", SALT),
    }
    if table.partition_column:
        entries[MONTH] = month_of(table, "r")
    entries |= {c.name: sql.Identifier("r", f"{c.name}_commitment") for c in personal}
    connection.execute(
        sql.SQL("create temporary table sealing on commit drop as select {} from ({}) r").format(
            sql.SQL(", ").join(
                sql.SQL("{} as {}").format(entries[name], sql.Identifier(name)) for name in list_columns(table)
            ),
            _with_commitments(table, wanted),
        )
    )


def _with_commitments(table: Table, wanted: sql.Composable) -> sql.Composed:
    """The wanted rows `r` with a salt and their commitments; `offset 0` has each of these made once."""
    source = sql.Identifier(table.schema, table.name)
    personal = personal_columns(table)
    if not personal:
        return sql.SQL("select r.*, r.xmin as {} from {} r where {}").format(sql.Identifier(VERSION), source, wanted)
    return sql.SQL(
        "select r.*, {commitments} from (select r.*, r.xmin as {version},"
        " case when num_nonnulls({values}) > 0 then gen_random_uuid() end as {salt}"
        " from {source} r where {wanted} offset 0) r offset 0"
    ).format(
        commitments=sql.SQL(", ").join(
            sql.SQL("{} as {}").format(
                committed(column, "r", sql.Identifier("r", SALT)), sql.Identifier(f"{column.name}_commitment")
            )
            for column in personal
        ),
        values=sql.SQL(", ").join(sql.Identifier("r", column.name) for column in personal),
        version=sql.Identifier(VERSION),
        salt=sql.Identifier(SALT),
        source=source,
        wanted=wanted,
    )


def enter(connection: Connection, table: Table) -> None:
    """Enter what was gathered into the list, in the order of its index."""
    columns = column_names(list_columns(table))
    connection.execute(
        sql.SQL("insert into {} ({columns}) select {columns} from {} order by {order}").format(
            list_of(table), SEALING, columns=columns, order=column_names(_order(table))
        )
    )
    connection.execute(sql.SQL("drop table {}").format(SEALING))


def leaves(
    connection: Connection, table: Table, relation: sql.Composable, where: sql.Composable
) -> Iterator[tuple[int, date | None, Iterator[bytes]]]:
    """The trees among some entries: their seal, their month, and their leaves in the order of the key.

    The leaves of a tree are to be read before the next tree is asked for.
    """
    query = sql.SQL("select {}, {}, {} from {} e where {} order by {}").format(
        sql.Identifier(SEAL),
        sql.Identifier(MONTH) if table.partition_column else sql.SQL("null::date"),
        leaf(table, "e"),
        relation,
        where,
        column_names(_order(table)),
    )
    with connection.cursor("leaves") as cursor:
        cursor.itersize = _ROWS_AT_A_TIME
        cursor.execute(query, binary=True)
        for (number, month), rows in groupby(cursor, itemgetter(0, 1)):
            yield number, month, map(itemgetter(2), rows)


def replayed_since(
    connection: Connection, table: Table, loads: Mapping[int, Brought], upto_load: int
) -> dict[int, int]:
    """The loads up to one that brought more rows by replay than have entries, and how many more."""
    asked = [load for load, brought in loads.items() if brought.replayed and load <= upto_load]
    if not asked:
        return {}
    listed: dict[int, int] = dict(
        connection.execute(
            sql.SQL("select {load}, count(*) from {list} where {load} = any(%s) group by 1").format(
                load=sql.Identifier(LOAD), list=list_of(table)
            ),
            (asked,),
        ).fetchall()
    )
    more = {load: loads[load].accepted - listed.get(load, 0) for load in asked}
    return {load: rows for load, rows in more.items() if rows > 0}


def surplus_since(connection: Connection, table: Table, loads: Mapping[int, Brought], upto_load: int) -> dict[int, int]:
    """The loads after one of which more rows are there than they brought, and how many more."""
    present = connection.execute(
        sql.SQL("select {load}, count(*) from {table} where {load} > %s group by 1").format(
            load=sql.Identifier(LOAD), table=sql.Identifier(table.schema, table.name)
        ),
        (upto_load,),
    ).fetchall()
    more = {load: rows - (loads[load].accepted if load in loads else 0) for load, rows in present}
    return {load: rows for load, rows in more.items() if rows > 0}


def _order(table: Table) -> list[str]:
    """The columns by which the list is ordered: its trees, and in each its key."""
    return [name for name in list_columns(table) if name in (MONTH, SEAL, *table.key)]


def _key_type(table: Table, name: str) -> str:
    """As wide as contracts may ever make the key: what is listed once is not altered."""
    kind = next(column.type for column in table.columns if column.name == name)
    if is_text(kind):
        return 'text collate "C"'
    return "bigint" if kind in ("smallint", "integer") else base_type(kind)
