"""How a contract's columns, checks and keys are spelt in Postgres' DDL, for tables made anew and for those widened."""

from collections.abc import Iterable, Iterator, Mapping

from psycopg import Connection, sql

from ingest.contract import Column, Table


def primary_key(table: Table) -> tuple[str, ...]:
    """The columns of the Postgres primary key: the key, and the partition column that Postgres demands in it."""
    if table.partition_column and table.partition_column not in table.key:
        return (*table.key, table.partition_column)
    return table.key


def column_definition(column: Column) -> sql.Composed:
    """A column as `create table` and `add column` take it."""
    parts: list[sql.Composable] = [sql.Identifier(column.name), sql.SQL(column.type)]
    if column.required:
        parts.append(sql.SQL("not null"))
    if column.allowed:
        parts.append(list_check(column))
    for bound, operator in ((column.minimum, ">="), (column.maximum, "<=")):
        if bound is not None:
            parts.append(bound_check(column, operator, bound))
    return sql.SQL(" ").join(parts)


def list_check(column: Column) -> sql.Composed:
    """The check of a column whose values are listed."""
    values = sql.SQL(", ").join(map(sql.Literal, column.allowed))
    return sql.SQL("check ({} in ({}))").format(sql.Identifier(column.name), values)


def bound_check(column: Column, operator: str, bound: int) -> sql.Composed:
    """The check of a column that has a lower bound (`>=`) or an upper one (`<=`)."""
    return sql.SQL("check ({} {} {})").format(sql.Identifier(column.name), sql.SQL(operator), bound)


def column_comment(table: Table, column: Column) -> sql.Composed:
    """What the contract says a column means."""
    field = sql.Identifier(table.schema, table.name, column.name)
    return sql.SQL("comment on column {} is {}").format(field, column.description)


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


def declared_keys(
    connection: Connection, table: Table, tables: Mapping[tuple[str, str], Table]
) -> dict[str, sql.Composed]:
    """Column → its foreign key, which Postgres 18 takes as a declaration and does not enforce; none before 18."""
    if connection.info.server_version < 180000:
        return {}
    return {
        column: sql.SQL("foreign key ({}) references {} ({}) not enforced").format(
            sql.Identifier(column), sql.Identifier(table.schema, parent), sql.Identifier(parent_column)
        )
        for column, (parent, parent_column) in declared_references(table, tables).items()
    }


def index_statements(table: Table, name: sql.Identifier) -> Iterator[sql.Composed]:
    """The statements that index table `name`, a partition to be, as its parent is."""
    yield sql.SQL("alter table {} add primary key ({})").format(name, column_names(primary_key(table)))
    yield from index_definitions(table, name)


def index_definitions(table: Table, name: sql.Identifier) -> Iterator[sql.Composed]:
    """The statements that make the indexes of the contract, and that of `_load_id`."""
    for definition in (*table.indexes, "(_load_id)"):
        yield sql.SQL("create index on {} " + definition.replace("{", "{{").replace("}", "}}")).format(name)


def column_names(names: Iterable[str]) -> sql.Composable:
    """Names as a list of columns takes them."""
    return sql.SQL(", ").join(map(sql.Identifier, names))
