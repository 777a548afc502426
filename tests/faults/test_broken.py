"""The harness can fail: a loader that breaks one promise is caught, by whatever schedule comes first."""

import io

import pytest
from rich.console import Console

from tests.faults.broken import BROKEN
from tests.faults.harness import Harness
from tests.faults.run import summarise

WITHIN = 12  # schedules: one of every kind


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_loader_is_caught_within_a_few_schedules(harness: Harness, broken: str) -> None:
    outcomes = (harness.run(harness.draw(seed), broken) for seed in range(WITHIN))

    assert any(outcome.problems for outcome in outcomes)


def test_the_summary_of_a_failure_names_its_seed_and_how_to_repeat_it(harness: Harness) -> None:
    outcome = harness.run(harness.draw(1), "forgets what it refused")
    told = io.StringIO()

    assert summarise(Console(file=told, width=120), [outcome]) == 1
    assert "Failed: seeds 1. To repeat one: make faults SEEDS=1" in told.getvalue()
