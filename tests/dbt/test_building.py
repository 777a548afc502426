"""Building: what changes is all that is built, it is what a whole build would make, and it is published at once."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ingest.contract import System
from ingest.landing import LandingFile, find_files
from ingest.sample import write_sample
from ingest.settings import Settings
from tests.dbt.builds import Builds, builder

DAYS = 6
SCHEDULES = 3
FOLLOWED = {"advert_market", "synapse"}


@pytest.fixture
def builds(
    settings: Settings, database: str, systems: tuple[System, ...], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Builds]:
    yield builder(settings, database, systems, monkeypatch.setenv)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, systems: tuple[System, ...]) -> list[LandingFile]:
    """Six days of all systems: history, daily increments, late rows, re-sent files, corrected rows."""
    landing = tmp_path_factory.mktemp("deliveries") / "landing"
    write_sample(landing, systems, days=DAYS)
    return list(find_files(landing, systems))


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_after_any_deliveries_every_mart_is_what_a_whole_build_makes_of_it(
    builds: Builds, files: list[LandingFile], seed: int
) -> None:
    rng = random.Random(seed)
    shuffled = rng.sample(files, len(files))
    cuts = sorted(rng.sample(range(1, len(files)), 3))
    followed: set[str] = set()
    for first, after in zip([0, *cuts], [*cuts, len(files)], strict=True):
        builds.deliver(shuffled[first:after])
        builds.build()
        followed |= {system.name for system in builds.systems} - builds.whole_systems()
    piece_by_piece = builds.checksums()
    assert followed >= FOLLOWED
    builds.build_whole()

    assert piece_by_piece == builds.checksums()
