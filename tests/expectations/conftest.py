"""What tests of rules ask: the clean sample, to be changed at will."""

from collections.abc import Iterator

import psycopg
import pytest


@pytest.fixture
def sample(sample_database: str) -> Iterator[psycopg.Connection]:
    """A connection to the sample whose changes are rolled back; triggers and foreign keys are off."""
    with psycopg.connect(sample_database, options="-c timezone=UTC") as connection:
        connection.execute("set session_replication_role = replica")
        yield connection
        connection.rollback()
