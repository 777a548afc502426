"""Connections of commands: as the owner of the warehouse, and as the analyst who may only read marts and verdicts."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection, errors, sql

from ingest import server
from ingest.contract import System
from ingest.errors import ConfigurationError
from ingest.schema import ensure_schemas
from ingest.settings import Settings

ANALYST = "tally_analyst"
# The options of a session that reads marts and verdicts only, whoever it is that logs in.
READING = f"-crole={ANALYST} -cdefault_transaction_read_only=on"


@contextmanager
def as_owner(settings: Settings, systems: tuple[System, ...]) -> Iterator[Connection]:
    """A connection to a warehouse in which every table exists, if only empty; tells which ones it had to widen."""
    with server.connect(settings) as connection:
        for sentence in ensure_schemas(connection, systems):
            print(sentence, file=sys.stderr)
        yield connection


@contextmanager
def as_analyst(settings: Settings) -> Iterator[Connection]:
    """A read-only transaction of the analyst role; ConfigurationError before the first load and without its grant."""
    with server.connect(settings) as connection:
        connection.read_only = True
        try:
            connection.execute(sql.SQL("set role {}").format(sql.Identifier(ANALYST)))
        except (errors.InvalidParameterValue, errors.UndefinedObject) as error:
            raise ConfigurationError(
                "The warehouse is empty; fill it with `tally run` or `tally demo` first."
            ) from error
        except errors.InsufficientPrivilege as error:
            raise ConfigurationError(
                f"{connection.info.user} may not act as {ANALYST}; `tally run` grants it, or says what is missing."
            ) from error
        yield connection
