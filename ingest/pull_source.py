"""The source of a pull: one live Postgres as it stands at one instant. It is read, never written.

Here are the connections, the instant, and what may happen to them, as sentences; `pull_tables` describes what is
found there, `pull_rows` reads it.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import Connection, IsolationLevel, errors, sql
from psycopg.conninfo import conninfo_to_dict

from ingest.contract import Table
from ingest.errors import ConfigurationError, DatabaseUnreachableError
from ingest.pull_cursor import Incarnation, Snapshot
from ingest.pull_tables import SourceTable, describe

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
        held = None
        while not held:
            with _connect(conninfo) as guard:
                held = _take_hold(guard, connection, tables)
        snapshot, found = held
        yield Source(connection, _incarnation(connection), snapshot, found)


def _take_hold(
    guard: Connection, connection: Connection, tables: Sequence[Table]
) -> tuple[Snapshot, tuple[SourceTable, ...]] | None:
    """A snapshot that the tables were held for; None when somebody stepped in between who must be let pass first."""
    _begin(guard)
    _hold(guard, describe(guard, tables))
    _begin(connection)
    snapshot = _snapshot(connection)
    found = describe(connection, tables)
    # An ALTER TABLE that has come meanwhile waits for the guard, and this transaction would wait behind it.
    connection.execute("set local lock_timeout = '200ms'")
    try:
        _hold(connection, found)
    except errors.LockNotAvailable:
        connection.rollback()
        return None
    return snapshot, found


def _begin(connection: Connection) -> None:
    connection.execute(SESSION)
    if connection.info.server_version >= 170000:
        connection.execute("set local transaction_timeout = 0")


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


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
