"""What most tests of building begin with; a test file that needs more of it has a fixture of its own."""

import pytest

from ingest.contract import System
from ingest.settings import Settings
from tests.dbt.builds import Builds, builder


@pytest.fixture
def builds(settings: Settings, database: str, systems: tuple[System, ...], monkeypatch: pytest.MonkeyPatch) -> Builds:
    """A fresh warehouse that is built by dbt alone."""
    return builder(settings, database, systems, monkeypatch.setenv)
