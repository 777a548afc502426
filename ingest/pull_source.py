"""The source of a pull: one live Postgres as it stands at one instant, and what it lacks. It is read, never written.

Every sentence about the source that a person can act on is here; its rows are read in `pull_rows`.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import psycopg
from psycopg import Connection, IsolationLevel, errors, sql
from psycopg.conninfo import conninfo_to_dict

from ingest.contract import Table
from ingest.errors import ConfigurationError, DatabaseUnreachableError
from ingest.pull_cursor import Incarnation, Snapshot

MINIMUM_VERSION = 14

# For the transaction only, since behind a pooler the next one may be another session. Like pg_dump, a pull takes the
# time it takes, whatever limits the role has for its queries, but it does not queue for ever behind an ALTER TABLE.
SESSION = b"""
    set local timezone = 'UTC';
    set local datestyle = 'ISO, YMD';
    set local intervalstyle = 'postgres';
    set local bytea_output = 'hex';
    set local extra_float_digits = 1;
    set local row_security = off;
    set local statement_timeout = 0;
    set local idle_in_transaction_session_timeout = 0;
    set local lock_timeout = '30s';
"""

TABLES = """
    with recursive found as (
        select c.oid, n.nspname, c.relname
        from unnest(%s::text[]) as wanted (name)
        inner join pg_class c on c.oid = to_regclass(quote_ident(wanted.name))
        inner join pg_namespace n on n.oid = c.relnamespace
    ),
    tree as (
        select oid as root, oid as part from found
        union
        select tree.root, heir.inhrelid
        from tree inner join pg_inherits heir on heir.inhparent = tree.part
        where not heir.inhdetachpending
    ),
    shown as (
        select
            tree.root,
            array_agg(tree.part::bigint order by tree.part) as parts,
            bool_and(c.relkind = 'p' or am.amname is not distinct from 'heap') as versioned
        from tree
        inner join pg_class c on c.oid = tree.part
        left join pg_am am on am.oid = c.relam
        group by tree.root
    )
    select f.relname, f.oid::bigint, f.nspname, shown.parts, shown.versioned, row_security_active(f.oid)
    from found f inner join shown on shown.root = f.oid
"""

# The words of an enumeration belong to its type: renaming one changes rows that nobody wrote.
COLUMNS = """
    select
        a.attrelid::bigint,
        a.attname,
        a.attnum,
        format_type(a.atttypid, a.atttypmod),
        (select string_agg(enumlabel, ',' order by enumsortorder) from pg_enum where enumtypid = a.atttypid),
        has_column_privilege(a.attrelid, a.attnum, 'select')
    from pg_attribute a
    where a.attrelid = any(%s::oid[]) and not a.attisdropped and (a.attnum > 0 or a.attname in ('xmin', 'tableoid'))
    order by a.attrelid, a.attnum
"""


class _Column(NamedTuple):
    """A column at the source; `words` are those of an enumeration."""

    number: int
    type: str
    words: str | None
    readable: bool

    @property
    def shape(self) -> str:
        """What decides how a value of the column is printed."""
        return f"{self.number} {self.type}" + (f" ({self.words})" if self.words else "")


Columns = dict[str, _Column]


@dataclass(frozen=True)
class SourceTable:
    """A table as the source has it now.

    `types` are those of the contract's columns at the source; `shape` says of them what decides how a row is printed.
    `parts` are the relations whose rows it shows: itself, its partitions, its heirs. `read_whole` tables are read
    whole each time: those that are replaced, and views and foreign tables, whose rows do not tell who wrote them.
    """

    table: Table
    identifier: sql.Identifier
    types: dict[str, str]
    shape: tuple[str, ...]
    ignored: tuple[str, ...]
    parts: tuple[int, ...]
    read_whole: bool


@dataclass(frozen=True)
class Source:
    """One instant of a database: every read through `connection` shows the rows that were committed then."""

    connection: Connection
    incarnation: Incarnation
    snapshot: Snapshot
    tables: tuple[SourceTable, ...]


@contextmanager
def as_of_now(conninfo: str, tables: Sequence[Table]) -> Iterator[Source]:
    """The source at this instant, in one read-only transaction that ends with the block.

    Rows can come into a table without being written: a partition is attached, two tables swap names, a file is copied
    in frozen. What takes them away again waits for readers, so every table is held (ACCESS SHARE) from before the
    snapshot until it was read. A SELECT takes its snapshot before its lock, and LOCK TABLE asks for more rights than
    some columns; hence the guard, a second transaction that holds the tables until the first one does.
    """
    with _in_words(), _connect(conninfo) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        with _connect(conninfo) as guard:
            guard.execute(SESSION)
            _hold(guard, _describe(guard, tables))
            connection.execute(SESSION)
            snapshot = _snapshot(connection)
            found = _describe(connection, tables)
            _hold(connection, found)
        yield Source(connection, _incarnation(connection), snapshot, found)


def _connect(conninfo: str) -> Connection:
    password = _password(conninfo)
    try:
        connection = psycopg.connect(conninfo, client_encoding="utf8", fallback_application_name="tally pull")
    except psycopg.OperationalError as error:
        told = _one_line(error).replace(password, "***") if password else _one_line(error)
        raise DatabaseUnreachableError(f"The source does not answer; start it, or correct --from ({told}).") from None
    connection.read_only = True
    version = connection.info.server_version // 10000
    if version < MINIMUM_VERSION:
        connection.close()
        raise ConfigurationError(f"The source is PostgreSQL {version}; pulling needs {MINIMUM_VERSION} or newer.")
    return connection


def _password(conninfo: str) -> str | None:
    """The password in the string; ConfigurationError, which repeats nothing of it, when it cannot be told apart."""
    try:
        given = conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError:
        given = {"port": "none"}
    # With a bare @ or / in a password, libpq takes the rest of it for a host, port or database, and says so aloud.
    misread = any("@" in str(given.get(part) or "") for part in ("host", "dbname"))
    if misread or not re.fullmatch(r"[0-9,]*", str(given.get("port") or "")):
        raise ConfigurationError(
            "--from is not a connection string: write postgresql://user@host:5432/database, and in a password"
            " %40 for @, %2F for / and %25 for %."
        ) from None
    return str(given["password"]) if given.get("password") else None


def _hold(connection: Connection, tables: Sequence[SourceTable]) -> None:
    for table in tables:
        connection.execute(sql.SQL("select from {} limit 0").format(table.identifier))


def _snapshot(connection: Connection) -> Snapshot:
    xmin, xmax = connection.execute(
        "select pg_snapshot_xmin(now)::text, pg_snapshot_xmax(now)::text from pg_current_snapshot() as now"
    ).fetchall()[0]
    return Snapshot(int(xmin), int(xmax))


def _incarnation(connection: Connection) -> Incarnation:
    system = None
    if connection.execute("select has_function_privilege('pg_control_system()', 'execute')").fetchall()[0][0]:
        system = connection.execute("select system_identifier::text from pg_control_system()").fetchall()[0][0]
    database, started, counting_since = connection.execute(
        "select oid::bigint, pg_postmaster_start_time()::text, (select stats_reset::text from pg_stat_bgwriter)"
        " from pg_database where datname = current_database()"
    ).fetchall()[0]
    return Incarnation(system, database, started, counting_since)


def _describe(connection: Connection, tables: Sequence[Table]) -> tuple[SourceTable, ...]:
    """The tables as they are at the source; ConfigurationError names everything that is missing or not allowed."""
    role, path = connection.execute("select current_user, current_setting('search_path')").fetchall()[0]
    found = {row[0]: row[1:] for row in connection.execute(TABLES, ([table.name for table in tables],))}
    columns: dict[int, Columns] = {row[0]: {} for row in found.values()}
    for relation, name, *rest in connection.execute(COLUMNS, (list(columns),)):
        columns[relation][name] = _Column(*rest)
    problems: list[str] = []
    described = []
    for table in tables:
        if table.name not in found:
            problems.append(
                f"The source has no table {table.name} in its search path ({path}), or {role} may not look there:"
                f" grant usage on the schema, or name another path in --from (?options=-csearch_path%3D…)."
            )
            continue
        relation, schema, parts, versioned, filtered = found[table.name]
        place = f"{_spelt(schema)}.{_spelt(table.name)}"
        problems += _problems(table, place, _spelt(role), columns[relation], filtered)
        described.append(_source_table(table, schema, columns[relation], parts, versioned))
    if problems:
        raise ConfigurationError("\n".join(problems))
    return tuple(described)


def _source_table(table: Table, schema: str, columns: Columns, parts: list[int], versioned: bool) -> SourceTable:
    wanted = [column.name for column in table.columns if column.name in columns]
    known = {*wanted, *table.restricted_columns, "xmin", "tableoid"}
    return SourceTable(
        table=table,
        identifier=sql.Identifier(schema, table.name),
        types={name: columns[name].type for name in wanted},
        shape=tuple(f"{name} {columns[name].shape}" for name in wanted),
        ignored=tuple(name for name in columns if name not in known),
        parts=tuple(parts),
        read_whole=table.load_mode == "replace" or not versioned,
    )


def _problems(table: Table, place: str, role: str, columns: Columns, filtered: bool) -> Iterator[str]:
    names = [column.name for column in table.columns]
    missing = [name for name in names if name not in columns]
    if missing:
        yield f"{place} lacks columns that the contract of {table.system} knows ({', '.join(missing)}); correct either."
    for column in table.columns:
        found = columns.get(column.name)
        if found and column.type == "timestamptz" and found.type == "timestamp without time zone":
            yield f"{place}.{column.name} has no time zone at the source, so its instants are unknown; give it one."
    # Which transaction wrote a row, and in which part it lies, is asked of tables that are not read whole.
    asked = names if table.load_mode == "replace" else ["xmin", "tableoid", *names]
    hidden = [name for name in asked if name in columns and not columns[name].readable]
    if hidden:
        # Where columns are restricted, the role need not be able to read them.
        what = f"select ({', '.join(map(_spelt, asked))})" if table.restricted_columns else "select"
        yield f"{role} may not read {place} ({', '.join(hidden)}): grant {what} on {place} to {role};"
    if filtered:
        yield f"Row-level security would hide rows of {place} from {role}: alter role {role} bypassrls;"


@contextmanager
def _in_words() -> Iterator[None]:
    """What may happen while the source is read, as sentences."""
    try:
        yield
    except errors.LockNotAvailable as error:
        raise DatabaseUnreachableError(
            f"Another session locks a table of the source, as ALTER TABLE does; pull again later ({_one_line(error)})."
        ) from error
    except errors.SerializationFailure as error:
        raise DatabaseUnreachableError(
            f"The source, a standby, ended the pull to go on replaying; pull again, or set hot_standby_feedback there"
            f" ({_one_line(error)})."
        ) from error
    except psycopg.OperationalError as error:
        raise DatabaseUnreachableError(f"The source stopped answering; pull again ({_one_line(error)}).") from error
    except psycopg.Error as error:
        raise ConfigurationError(f"The source refused to be read ({_one_line(error)}).") from error


def _spelt(name: str) -> str:
    """A name as SQL spells it, to be pasted from a sentence."""
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else sql.Identifier(name).as_string()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
