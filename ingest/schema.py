"""From contracts to Postgres: the raw tables with their keys, checks, indexes, triggers and comments.

It creates what is missing, and leaves to `migrate` what is there and no longer as its contract says.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources

from psycopg import Connection, errors, sql

from ingest.catalog import FoundTable, find_tables
from ingest.contract import System, Table, unknown_type
from ingest.ddl import (
    column_comment,
    column_definition,
    column_names,
    declared_keys,
    index_definitions,
    primary_key,
)
from ingest.errors import ConfigurationError
from ingest.history import keep_standing
from ingest.keys import create_registry
from ingest.migrate import differs, widen
from ingest.seal_list import create_list
from ingest.seal_rows import list_columns
from ingest.versions import relations

# What an ordinary user lacks to run warehouse.sql, as the statements that would give it.
_MISSING_PRIVILEGES = """
    select
        current_user,
        current_database(),
        concat_ws(
            '; ',
            case when not has_database_privilege(current_database(), 'create')
                then format('grant create on database %I to %I', current_database(), current_user) end,
            case when not may_have_analyst and analyst is null then 'create role tally_analyst nologin' end,
            case when not may_have_analyst then format('grant tally_analyst to %I', current_user) end
        )
    from (
        select
            analyst.oid as analyst,
            coalesce(
                pg_has_role(analyst.oid, 'set') or pg_has_role(analyst.oid, 'member with admin option'),
                me.rolsuper or me.rolcreaterole
            ) as may_have_analyst
        from pg_roles as me
        left join pg_roles as analyst on analyst.rolname = 'tally_analyst'
        where me.rolname = current_user
    ) as roles
"""

_SCHEMA_LOCK = 7_420_001  # any constant will do: two processes must not create the same tables at once


def ensure_schemas(connection: Connection, systems: Iterable[System]) -> list[str]:
    """Make whatever of the warehouse's own and the contracts' tables is missing or too narrow; commits.

    Returns a sentence for each table that was widened. ConfigurationError where a table and its contract differ in a
    way that is not Tally's to change, where Postgres does not know a column's type, and where the user lacks a
    privilege; then nothing is changed.
    """
    systems = tuple(systems)
    try:
        return _make(connection, systems)
    except (errors.UndefinedObject, errors.SyntaxError):
        _refuse_unknown_types(connection, systems)
        raise


def _refuse_unknown_types(connection: Connection, systems: tuple[System, ...]) -> None:
    for system in systems:
        for table in system.tables:
            for column in table.columns:
                if not _is_type(connection, column.type):
                    raise unknown_type(system, table, column)


def _is_type(connection: Connection, kind: str) -> bool:
    try:
        with connection.transaction():
            return connection.execute("select to_regtype(%s)", (kind,)).fetchone() != (None,)
    except errors.SyntaxError:
        return False


def _make(connection: Connection, systems: tuple[System, ...]) -> list[str]:
    tables = {(t.system, t.name): t for system in systems for table in system.tables for t in relations(table)}
    names = [system.name for system in systems]
    own_tables = (resources.files("ingest") / "warehouse.sql").read_text(encoding="utf-8")
    with connection.transaction():
        # The usual case needs no lock, and so waits for nobody: a load that runs holds its tables for minutes.
        found = find_tables(connection, names)
        if _own_tables_are_there(connection, own_tables) and not any(
            _wants_work(connection, table, tables, found) for table in tables.values()
        ):
            return []
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
        if not _own_tables_are_there(connection, own_tables):
            _refuse_missing_privileges(connection)
            connection.execute(own_tables.encode())
            connection.execute(sql.SQL("comment on schema ingest is {}").format(_version(own_tables)))
        found = find_tables(connection, names)
        for name in names:
            connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(f"raw_{name}")))
        widened = []
        for key, table in tables.items():
            if key in found:
                widened += widen(connection, table, tables, found[key])
            else:
                keys = _foreign_keys(connection, table, tables)
                connection.execute(sql.SQL(";\n").join(create_statements(table, keys)))
            if table.registers_keys and not (key in found and found[key].registered):
                create_registry(connection, table, anew=key not in found)
            if _wants_list(table, found.get(key)):
                create_list(connection, table, anew=key not in found)
        for table in (table for system in systems for table in system.tables):
            if (table.system, table.name) in found and any((t.system, t.name) not in found for t in relations(table)):
                keep_standing(connection, table)
    return widened


def _wants_work(
    connection: Connection,
    table: Table,
    tables: Mapping[tuple[str, str], Table],
    found: Mapping[tuple[str, str], FoundTable],
) -> bool:
    present = found.get((table.system, table.name))
    unregistered = present is not None and table.registers_keys and not present.registered
    unready = present is None or unregistered or _wants_list(table, present)
    return unready or (present is not None and differs(connection, table, tables, present))


def _wants_list(table: Table, present: FoundTable | None) -> bool:
    return table.registers_keys and not (present and present.listed >= set(list_columns(table)))


def _own_tables_are_there(connection: Connection, statements: str) -> bool:
    """True when these very statements were run here, and the role they make is there, and ours.

    Run again, they would change nothing, but wait for every load that runs: an index that need not be created locks
    its table all the same.
    """
    return bool(
        connection.execute(
            "select obj_description(to_regnamespace('ingest'), 'pg_namespace') = %s"
            " and exists (select from pg_roles where rolname = 'tally_analyst' and pg_has_role(oid, 'set'))",
            (_version(statements),),
        ).fetchall()[0][0]
    )


def _refuse_missing_privileges(connection: Connection) -> None:
    user, database, missing = connection.execute(_MISSING_PRIVILEGES.encode()).fetchall()[0]
    if missing:
        raise ConfigurationError(
            f"{user} may not make a warehouse of database {database}; let a superuser run: {missing};"
        )


def _version(statements: str) -> str:
    digest = hashlib.sha256(statements.encode()).hexdigest()
    return f"Tally's own tables, as warehouse.sql made them ({digest[:16]})"


def create_statements(table: Table, foreign_keys: Iterable[sql.Composable]) -> Iterator[sql.Composable]:
    """The statements that make one table: create, indexes, immutability, comments."""
    name = sql.Identifier(table.schema, table.name)
    body: list[sql.Composable] = [column_definition(column) for column in table.columns]
    body.append(sql.SQL("_load_id bigint not null"))
    body.append(sql.SQL("primary key ({})").format(column_names(primary_key(table))))
    body.extend(foreign_keys)
    partition: sql.Composable = sql.SQL("")
    if table.partition_column:
        partition = sql.SQL(" partition by range ({})").format(sql.Identifier(table.partition_column))
    yield sql.SQL("create table {} (\n    {}\n){}").format(name, sql.SQL(",\n    ").join(body), partition)
    yield from index_definitions(table, name)
    if table.load_mode == "append":
        yield sql.SQL(
            "create trigger immutable before update or delete on {} for each row"
            " execute function ingest.refuse_change()"
        ).format(name)
    yield sql.SQL("comment on table {} is {}").format(name, table.description)
    for column in table.columns:
        yield column_comment(table, column)
    yield sql.SQL("comment on column {} is {}").format(
        sql.Identifier(table.schema, table.name, "_load_id"), "The load (ingest.loads) that brought this row."
    )


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
    yield from declared_keys(connection, table, tables).values()
