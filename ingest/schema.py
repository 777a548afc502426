"""From contracts to Postgres: the raw tables with their keys, checks, indexes, triggers and comments.

It only creates. A table that no longer matches its contract is reported, never altered behind its owner's back.
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib import resources

from psycopg import Connection, sql

from ingest.contract import Column, System, Table
from ingest.errors import ConfigurationError

_SCHEMA_LOCK = 7_420_001  # any constant will do: two processes must not create the same tables at once


def ensure_schemas(connection: Connection, systems: Iterable[System]) -> None:
    """Create whatever of the warehouse's own and the contracts' tables is missing; commits."""
    systems = tuple(systems)
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
        connection.execute((resources.files("ingest") / "warehouse.sql").read_text(encoding="utf-8").encode())
        present = _columns_present(connection)
        for system in systems:
            connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(f"raw_{system.name}")))
            for table in system.tables:
                found = present.get((table.schema, table.name))
                if found is None:
                    connection.execute(sql.SQL(";\n").join(create_statements(table)))
                elif found != {"_load_id", *(column.name for column in table.columns)}:
                    raise ConfigurationError(_mismatch(table, found))


def create_statements(table: Table) -> Iterator[sql.Composable]:
    """The statements that make one table: create, indexes, immutability, comments."""
    name = sql.Identifier(table.schema, table.name)
    body = [_column(column) for column in table.columns]
    body.append(sql.SQL("_load_id bigint not null"))
    body.append(sql.SQL("primary key ({})").format(_names(primary_key(table))))
    partition: sql.Composable = sql.SQL("")
    if table.partition_column:
        partition = sql.SQL(" partition by range ({})").format(sql.Identifier(table.partition_column))
    yield sql.SQL("create table {} (\n    {}\n){}").format(name, sql.SQL(",\n    ").join(body), partition)
    for definition in (*table.indexes, "(_load_id)"):
        yield sql.SQL("create index on {} " + definition.replace("{", "{{").replace("}", "}}")).format(name)
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


def primary_key(table: Table) -> tuple[str, ...]:
    """The columns of the Postgres primary key: the key, and the partition column that Postgres demands in it."""
    if table.partition_column and table.partition_column not in table.key:
        return (*table.key, table.partition_column)
    return table.key


def enforced_references(table: Table, tables: Mapping[tuple[str, str], Table]) -> dict[str, tuple[str, str]]:
    """Column → (parent table, its column) for the relationships that Postgres itself holds.

    Only between unpartitioned upsert tables: those arrive parents first. Rows of ledgers and streams may be older
    than the delivery of their parents, so holding them back would lose history; rules judge those.
    """
    if table.load_mode != "upsert" or table.partition_column:
        return {}
    found = {}
    for column in table.columns:
        if column.references and column.references[0] != table.name:
            parent = tables[table.system, column.references[0]]
            if parent.load_mode == "upsert" and parent.key == (column.references[1],) and not parent.partition_column:
                found[column.name] = column.references
    return found


def enforce_references_to(connection: Connection, parent: Table, tables: Mapping[tuple[str, str], Table]) -> None:
    """Let the foreign keys that point at `parent` hold from now on; to be called when it had its first delivery.

    A system may be delivered without some of its tables (people, above all). As long as a parent never came, its
    children stand without it; `not valid` leaves those be and holds every row that comes later.
    """
    for child in tables.values():
        for column, (name, parent_column) in enforced_references(child, tables).items():
            if (child.system, name) == (parent.system, parent.name):
                connection.execute(
                    sql.SQL("alter table {} add foreign key ({}) references {} ({}) not valid").format(
                        sql.Identifier(child.schema, child.name),
                        sql.Identifier(column),
                        sql.Identifier(parent.schema, parent.name),
                        sql.Identifier(parent_column),
                    )
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
        " where table_schema like 'raw\\_%' group by 1, 2"
    )
    return {(schema, name): set(columns) for schema, name, columns in rows}


def _mismatch(table: Table, found: set[str]) -> str:
    expected = {"_load_id", *(column.name for column in table.columns)}
    differing = ", ".join(sorted(found ^ expected))
    return (
        f"{table.schema}.{table.name} does not match its contract (columns {differing});"
        " migrate the table or load into a fresh TALLY_HOME."
    )
