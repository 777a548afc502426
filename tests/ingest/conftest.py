"""The landing zone that tests of loading deliver to."""

from pathlib import Path

import psycopg
import pytest

from ingest.contract import System
from tests.ingest.zone import Zone


@pytest.fixture
def zone(tmp_path: Path, connection: psycopg.Connection, systems: tuple[System, ...]) -> Zone:
    return Zone(tmp_path / "landing", connection, systems)
