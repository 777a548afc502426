"""Whatever goes wrong while loading: every file is there once and whole, at every moment and in the end."""

import io

import pytest
from rich.console import Console

from tests.faults.harness import Harness
from tests.faults.run import SHOWN, summarise
from tests.faults.schedule import KINDS, draw_schedule

SCHEDULES = 20  # every kind of fault at least once; `make faults` plays hundreds


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_every_file_is_there_once_and_whole_whatever_goes_wrong(harness: Harness, seed: int) -> None:
    outcome = harness.run(harness.draw(seed))
    if outcome.skipped:
        pytest.skip(f"disk full: {outcome.skipped}")

    assert outcome.problems[:SHOWN] == [], str(outcome.schedule)


def test_without_a_small_disk_its_schedules_are_skipped_by_name(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness.cluster, "no_disk", "a small disk can only be mounted by root")
    told = io.StringIO()
    outcome = harness.run(harness.draw(KINDS.index("disk full")))

    assert summarise(Console(file=told, width=120), [outcome]) == 0
    assert "1 schedules with a full disk were skipped: a small disk can only be mounted by root." in told.getvalue()


def test_a_seed_decides_everything(harness: Harness) -> None:
    assert harness.draw(3) == harness.draw(3) != harness.draw(3 + len(KINDS))


def test_seeds_in_a_row_go_through_all_kinds_of_faults(harness: Harness) -> None:
    schedules = [draw_schedule(seed, harness.tables) for seed in range(SCHEDULES)]

    assert {fault.kind for schedule in schedules for fault in schedule.faults} == set(KINDS)
