"""The key registry of an append table: every key it ever held, unique over all its partitions and for all time.

Postgres can enforce a unique key of a partitioned table only together with its partition column, so each append table
has a plain table of keys beside it, `keys_<system>.<table>`. Beside the key stands the row's fingerprint; or ERASED
twice, where the row was erased: its fingerprint would confirm a guess.
"""

from collections.abc import Iterable

from psycopg import Connection, errors, sql

from ingest.contract import Table
from ingest.fingerprint import FINGERPRINT

ERASED = 0  # once in 3e38 a row's own fingerprint
_ALL = sql.SQL("")


def registry(table: Table) -> sql.Identifier:
    """The name of the registry."""
    return sql.Identifier(f"keys_{table.system}", table.name)


def create_registry(connection: Connection, table: Table, *, anew: bool) -> None:
    """Create the registry of an append table and enter the keys the table holds.

    Of a table that is not made `anew`, the registry that is there stays, and gets the columns it lacks.
    """
    columns = _list(table.key)
    connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(f"keys_{table.system}")))
    if anew:
        connection.execute(sql.SQL("drop table if exists {}").format(registry(table)))
    elif connection.execute("select to_regclass(%s)", (registry(table).as_string(),)).fetchall()[0][0]:
        connection.execute(sql.SQL("alter table {} add column _check bigint").format(registry(table)))
        return
    connection.execute(
        sql.SQL("create table {} as select {}, null::bigint as _hash, null::bigint as _check from {}").format(
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
    # In the order of the key neighbouring entries share pages of the index.
    return connection.execute(
        sql.SQL("insert into {} ({columns}) select {columns} from arriving {} order by {}").format(
            registry(table), which, _list(table.key), columns=_list((*table.key, *FINGERPRINT))
        )
    ).rowcount


def _register_first(connection: Connection, table: Table) -> int:
    """Fill an empty registry: the index is built afterwards, in a third of the time, and sorts the keys itself."""
    name = sql.Identifier(f"{table.name}_pkey")
    connection.execute(sql.SQL("alter table {} drop constraint {}").format(registry(table), name))
    # A fresh file for the empty table; where wal_level allows it, Postgres then writes its rows once, not twice.
    connection.execute(sql.SQL("truncate {}").format(registry(table)))
    # In any order: sorting first takes 0.3 s more a million, and would only pay where few of these keys came again.
    insert = sql.SQL("insert into {} ({columns}) select {columns} from arriving")
    count = connection.execute(insert.format(registry(table), columns=_list((*table.key, *FINGERPRINT)))).rowcount
    connection.execute(
        sql.SQL("alter table {} add constraint {} primary key ({})").format(registry(table), name, _list(table.key))
    )
    return count


def _list(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))
