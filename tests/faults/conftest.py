"""The harness: a server of its own, since its faults hit everybody who is connected."""

from collections.abc import Iterator

import pytest

from ingest.contract import System
from tests.faults.harness import Harness


@pytest.fixture(scope="session")
def harness(systems: tuple[System, ...]) -> Iterator[Harness]:
    with Harness(systems) as harness:
        yield harness
