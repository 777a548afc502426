"""The key registry of an append table: every key it ever held, unique over all its partitions and for all time.

Postgres can enforce a unique key of a partitioned table only together with its partition column, so each append table
has a plain table of keys beside it, `keys_<system>.<table>`. Beside the key stands a hash of the row's content as
delivered: a row that comes again with the same key and hash is known without being looked at. A hash that differs
proves nothing (the same instant may be spelt differently); then the rows themselves are compared.
"""

from psycopg import Connection, errors, sql

from ingest.contract import Table

_ALL = sql.SQL("")


def registry(table: Table) -> sql.Identifier:
    """The name of the registry."""
    return sql.Identifier(f"keys_{table.system}", table.name)


def create_registry(connection: Connection, table: Table) -> None:
    """Create the registry of an append table anew and enter the keys the table holds."""
    columns = sql.SQL(", ").join(map(sql.Identifier, table.key))
    connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(f"keys_{table.system}")))
    connection.execute(sql.SQL("drop table if exists {}").format(registry(table)))
    connection.execute(
        sql.SQL("create table {} as select {}, null::bigint as _hash from {}").format(
            registry(table), columns, sql.Identifier(table.schema, table.name)
        )
    )
    connection.execute(sql.SQL("alter table {} add primary key ({})").format(registry(table), columns))
    connection.execute(
        sql.SQL("comment on table {} is {}").format(
            registry(table), f"Every key of {table.schema}.{table.name}, over all partitions and for all time."
        )
    )


def holds_keys(connection: Connection, table: Table) -> bool:
    """True when the registry has any key."""
    return bool(connection.execute(sql.SQL("select exists (select from {})").format(registry(table))).fetchall()[0][0])


def register_all(connection: Connection, table: Table) -> int | None:
    """Enter the keys of all rows in `arriving`, and count them; None, and nothing entered, when one is not new."""
    try:
        with connection.transaction():
            if holds_keys(connection, table):
                return _register(connection, table)
            return _register_first(connection, table)
    except errors.UniqueViolation:
        return None


def register_accepted(connection: Connection, table: Table) -> None:
    """Enter the keys of the rows in `arriving` that `fate` accepts."""
    _register(connection, table, sql.SQL("join fate using (_line) where fate.outcome = 'accepted'"))


def _register(connection: Connection, table: Table, which: sql.Composable = _ALL) -> int:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.key))
    # In the order of the key neighbouring entries share pages of the index.
    return connection.execute(
        sql.SQL("insert into {} ({}, _hash) select {}, _hash from arriving {} order by {}").format(
            registry(table), columns, columns, which, columns
        )
    ).rowcount


def _register_first(connection: Connection, table: Table) -> int:
    """Fill an empty registry: the index is built afterwards, in a third of the time, and sorts the keys itself."""
    name = sql.Identifier(f"{table.name}_pkey")
    connection.execute(sql.SQL("alter table {} drop constraint {}").format(registry(table), name))
    # A fresh file for the empty table; where wal_level allows it, Postgres then writes its rows once, not twice.
    connection.execute(sql.SQL("truncate {}").format(registry(table)))
    columns = sql.SQL(", ").join(map(sql.Identifier, table.key))
    # In any order: sorting first takes 0.3 s more a million, and would only pay where few of these keys came again.
    insert = sql.SQL("insert into {} ({}, _hash) select {}, _hash from arriving")
    count = connection.execute(insert.format(registry(table), columns, columns)).rowcount
    connection.execute(
        sql.SQL("alter table {} add constraint {} primary key ({})").format(registry(table), name, columns)
    )
    return count
