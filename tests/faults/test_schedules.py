"""Whatever goes wrong while loading: every file is there once and whole, at every moment and in the end."""

import pytest

from tests.faults.harness import Harness
from tests.faults.run import SHOWN
from tests.faults.schedule import KINDS, draw_schedule

SCHEDULES = 20  # every kind of fault at least once; `make faults` plays hundreds


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_every_file_is_there_once_and_whole_whatever_goes_wrong(harness: Harness, seed: int) -> None:
    outcome = harness.run(harness.draw(seed))
    if outcome.skipped:
        pytest.skip(f"disk full: {outcome.skipped}")

    assert outcome.problems[:SHOWN] == [], str(outcome.schedule)


def test_a_seed_decides_everything(harness: Harness) -> None:
    assert harness.draw(3) == harness.draw(3) != harness.draw(3 + len(KINDS))


def test_seeds_in_a_row_go_through_all_kinds_of_faults(harness: Harness) -> None:
    schedules = [draw_schedule(seed, harness.tables) for seed in range(SCHEDULES)]

    assert {fault.kind for schedule in schedules for fault in schedule.faults} == set(KINDS)
