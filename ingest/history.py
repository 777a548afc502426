"""The history of rows that the source changes in place: every version that was delivered, beside the one that stands.

A contract names the columns to keep (`history`); they go, with the row's key, to `<table>_versions`. A version is one
row of one file, seen when the file says, so which versions there are depends on the deliveries alone: not on the order
in which they were loaded, nor on which version stands. They are written in the transaction of their file.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from psycopg import Connection, sql

from ingest.contract import Table
from ingest.landing import LandingFile
from ingest.partitions import fill
from ingest.versions import LINE, SEEN_AT, versions_of


def record_versions(connection: Connection, table: Table, file: LandingFile, load_id: int) -> bool:
    """Keep the versions in `arriving`, if the table's are kept; True when that took new months."""
    versions = versions_of(table)
    if not versions:
        return False
    rows = sql.SQL("select {}, {}::timestamptz as {}, {}, {}::bigint as _load_id from arriving").format(
        _own_columns(versions), file.seen_at, sql.Identifier(SEEN_AT), sql.Identifier(LINE), load_id
    )
    return fill(connection, versions, rows)


def keep_standing(connection: Connection, table: Table) -> None:
    """Begin the history of a table that holds rows already: those that stand are the versions known of."""
    versions = versions_of(table)
    if not versions:
        return
    connection.execute("drop table if exists pg_temp.arriving")
    connection.execute(
        sql.SQL(
            "create temporary table arriving on commit drop as"
            " select {columns}, s.seen_at as {seen_at}, 0::bigint as {line}, t._load_id from {table} t"
            " join unnest(%s::bigint[], %s::timestamptz[]) as s (load_id, seen_at) on s.load_id = t._load_id"
        ).format(
            columns=_own_columns(versions),
            seen_at=sql.Identifier(SEEN_AT),
            line=sql.Identifier(LINE),
            table=sql.Identifier(table.schema, table.name),
        ),
        _loads_seen_at(connection, table),
    )
    fill(connection, versions, sql.SQL("select * from arriving"))
    connection.execute("drop table arriving")


def _own_columns(versions: Table) -> sql.Composed:
    names = [column.name for column in versions.columns if column.name not in (SEEN_AT, LINE)]
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _loads_seen_at(connection: Connection, table: Table) -> tuple[list[int], list[datetime]]:
    """The loads of the table, and when the source held what they brought."""
    loads: Mapping[int, datetime] = {
        load_id: LandingFile(table.system, table.name, delivered_on, Path(path), path).seen_at
        for load_id, delivered_on, path in connection.execute(
            "select load_id, delivered_on, path from ingest.loads"
            " where status = 'loaded' and system = %s and table_name = %s",
            (table.system, table.name),
        )
    }
    return list(loads), list(loads.values())
