"""The connection that a gate run asks through: one moment of the warehouse for all rules, and nothing to write to."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import Connection, sql

from ingest.errors import DatabaseUnreachableError


class Snapshot(Connection[tuple[Any, ...]]):
    """A connection that stays in one transaction, so that every rule sees the loads that the others see.

    Whoever is handed it may commit and roll back between questions, as SQLAlchemy does: a commit changes nothing,
    and a roll back undoes the last question, so that one that failed does not take the others along.
    """

    def moment(self) -> str:
        """What it sees, by the name under which another snapshot may see the same as long as this one is open."""
        return str(self.execute("select pg_export_snapshot()").fetchall()[0][0])

    def close_for_writing(self) -> None:
        """From here on only questions: temporary tables are made before."""
        self.execute("set transaction read only")
        self.execute("savepoint question")

    def commit(self) -> None:
        """Stay in the transaction."""

    def rollback(self) -> None:
        """Return to where the last question began."""
        with suppress(psycopg.Error):  # the server went away: the next question says so
            self.execute("rollback to savepoint question")


@contextmanager
def snapshot(conninfo: str, moment: str | None = None) -> Iterator[Snapshot]:
    """The warehouse as it is now, or as it was at the `moment` of another snapshot; a day in evidence is a UTC day.

    Raises DatabaseUnreachableError when no server answers.
    """
    with _naming_the_trouble():
        connection = Snapshot.connect(conninfo, autocommit=True)
    with connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("begin isolation level repeatable read")
        if moment:
            connection.execute(sql.SQL("set transaction snapshot {}").format(moment))
        yield connection


def connect(conninfo: str) -> Connection:
    """A connection to write verdicts; raises DatabaseUnreachableError when no server answers."""
    with _naming_the_trouble():
        return psycopg.connect(conninfo)


@contextmanager
def _naming_the_trouble() -> Iterator[None]:
    try:
        yield
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        raise DatabaseUnreachableError(f"The database does not answer: {reason}") from error


@contextmanager
def unless_it_crashes(connection: Connection) -> Iterator[None]:
    """What depends on a statement that crashes says so itself, as a question without verdict."""
    with suppress(psycopg.Error), connection.transaction():
        yield
