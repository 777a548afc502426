"""From contracts to Postgres: the raw tables with their keys, checks, indexes, triggers and comments.

It only creates. A table that no longer matches its contract is reported, never altered behind its owner's back.
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib import resources

from psycopg import Connection, sql

from ingest.contract import Column, System, Table
from ingest.errors import ConfigurationError
from ingest.keys import create_registry

_SCHEMA_LOCK = 7_420_001  # any constant will do: two processes must not create the same tables at once


def ensure_schemas(connection: Connection, systems: Iterable[System]) -> None:
    """Create whatever of the warehouse's own and the contracts' tables is missing; commits."""
    systems = tuple(systems)
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
        connection.execute((resources.files("ingest") / "warehouse.sql").read_text(encoding="utf-8").encode())
        present = _columns_present(connection)
        tables = {(table.system, table.name): table for system in systems for table in system.tables}
        for system in systems:
            connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(f"raw_{system.name}")))
            for table in system.tables:
                found = present.get((table.schema, table.name))
                if found is None:
                    keys = _foreign_keys(connection, table, tables)
                    connection.execute(sql.SQL(";\n").join(create_statements(table, keys)))
                elif found != {"_load_id", *(column.name for column in table.columns)}:
                    raise ConfigurationError(_mismatch(table, found))
                if table.load_mode == "append" and (not found or (f"keys_{table.system}", table.name) not in present):
                    create_registry(connection, table)


def create_statements(table: Table, foreign_keys: Iterable[sql.Composable]) -> Iterator[sql.Composable]:
    """The statements that make one table: create, indexes, immutability, comments."""
    name = sql.Identifier(table.schema, table.name)
    body = [_column(column) for column in table.columns]
    body.append(sql.SQL("_load_id bigint not null"))
    body.append(sql.SQL("primary key ({})").format(_names(primary_key(table))))
    body.extend(foreign_keys)
    partition: sql.Composable = sql.SQL("")
    if table.partition_column:
        partition = sql.SQL(" partition by range ({})").format(sql.Identifier(table.partition_column))
    yield sql.SQL("create table {} (\n    {}\n){}").format(name, sql.SQL(",\n    ").join(body), partition)
    yield from _indexes(table, name)
    if table.load_mode == "append":
        yield sql.SQL(
            "create trigger immutable before update or delete on {} for each row"
            " execute function ingest.refuse_change()"
        ).format(name)
    yield sql.SQL("comment on table {} is {}").format(name, table.description)
    for column in table.columns:
        field = sql.Identifier(table.schema, table.name, column.name)
        yield sql.SQL("comment on column {} is {}").format(field, column.description)
    yield sql.SQL("comment on column {} is {}").format(
        sql.Identifier(table.schema, table.name, "_load_id"), "The load (ingest.loads) that brought this row."
    )


def index_statements(table: Table, name: sql.Identifier) -> Iterator[sql.Composed]:
    """The statements that index table `name`, a partition to be, as its parent is."""
    yield sql.SQL("alter table {} add primary key ({})").format(name, _names(primary_key(table)))
    yield from _indexes(table, name)


def _indexes(table: Table, name: sql.Identifier) -> Iterator[sql.Composed]:
    for definition in (*table.indexes, "(_load_id)"):
        yield sql.SQL("create index on {} " + definition.replace("{", "{{").replace("}", "}}")).format(name)


def primary_key(table: Table) -> tuple[str, ...]:
    """The columns of the Postgres primary key: the key, and the partition column that Postgres demands in it."""
    if table.partition_column and table.partition_column not in table.key:
        return (*table.key, table.partition_column)
    return table.key


def declared_references(table: Table, tables: Mapping[tuple[str, str], Table]) -> dict[str, tuple[str, str]]:
    """Column → (parent table, its column) for the relationships that Postgres can be told of.

    A foreign key points at a unique key, and a partitioned table's includes its partition column.
    """
    found = {}
    for column in table.columns:
        if column.references:
            parent = tables[table.system, column.references[0]]
            if parent.key == (column.references[1],) and not parent.partition_column:
                found[column.name] = column.references
    return found


def _foreign_keys(
    connection: Connection, table: Table, tables: Mapping[tuple[str, str], Table]
) -> Iterator[sql.Composable]:
    """Every row's load is enforced, since the manifest row is always there first.

    Relationships between operational tables are declared but not enforced: files may be loaded in any order, and a
    wallet that came before its user must not wait, or the same files would give other answers in another order.
    Postgres 18 knows such a declaration; a gate counts the orphans (expectations/references.py).
    Partitioned tables go without the check of their load: it takes 4 to 5 microseconds a row, as long as the insert.
    """
    if not table.partition_column:
        yield sql.SQL("foreign key (_load_id) references ingest.loads")
    if connection.info.server_version >= 180000:
        for column, (parent, parent_column) in declared_references(table, tables).items():
            yield sql.SQL("foreign key ({}) references {} ({}) not enforced").format(
                sql.Identifier(column), sql.Identifier(table.schema, parent), sql.Identifier(parent_column)
            )


def _column(column: Column) -> sql.Composable:
    parts: list[sql.Composable] = [sql.Identifier(column.name), sql.SQL(column.type)]
    if column.required:
        parts.append(sql.SQL("not null"))
    if column.allowed:
        parts.append(
            sql.SQL("check ({} in ({}))").format(
                sql.Identifier(column.name), sql.SQL(", ").join(map(sql.Literal, column.allowed))
            )
        )
    for bound, operator in ((column.minimum, ">="), (column.maximum, "<=")):
        if bound is not None:
            parts.append(sql.SQL("check ({} {} {})").format(sql.Identifier(column.name), sql.SQL(operator), bound))
    return sql.SQL(" ").join(parts)


def _names(names: Iterable[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _columns_present(connection: Connection) -> dict[tuple[str, str], set[str]]:
    rows = connection.execute(
        "select table_schema, table_name, array_agg(column_name::text) from information_schema.columns"
        " where table_schema like 'raw\\_%' or table_schema like 'keys\\_%' group by 1, 2"
    )
    return {(schema, name): set(columns) for schema, name, columns in rows}


def _mismatch(table: Table, found: set[str]) -> str:
    expected = {"_load_id", *(column.name for column in table.columns)}
    differing = ", ".join(sorted(found ^ expected))
    return (
        f"{table.schema}.{table.name} does not match its contract (columns {differing});"
        " migrate the table or load into a fresh TALLY_HOME."
    )
