"""A fault at each named step in turn: before the commit a file leaves nothing, after it everything."""

import random
from datetime import date

import pytest

from tests.faults.deliveries import Row, deliver
from tests.faults.harness import Harness
from tests.faults.rows import kits
from tests.faults.schedule import Fault, Round, Schedule
from tests.faults.steps import BATCH_ROWS, STEPS, arm

ROWS = 2 * BATCH_ROWS  # two batches
FILES = 3
TABLE = "advert_market.ledger_entries"


def schedule(
    harness: Harness, *faults: Fault, loaders: int = 1, name: str = "part.parquet", description: str = "as agreed"
) -> Schedule:
    """Three files of ledger entries, each with a month of its own; every file repeats a row of the one before."""
    row = kits()[TABLE].row
    deliveries = []
    for number in range(FILES):
        keys = [number + 6 * place for place in range(ROWS - 1)]  # keys that are six apart have one month
        rows = [Row(row(key, 0) | {"description": description}) for key in (*keys, max(number - 1, 0))]
        day = date(2026, 6, 1 + number)
        deliveries.append(deliver(harness.tables[TABLE], rows, name, day, random.Random(number)))
    paths = tuple(delivery.path for delivery in deliveries)
    first = Round((paths,) * loaders, faults=faults)
    return Schedule(None, tuple(deliveries), (first,), Round((paths,)))


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        *(("killed", step) for step in STEPS if step != "read elsewhere"),
        ("backend terminated", "after merge"),
        ("connection cut", "in a copy"),
        ("connection cut", "readers held"),
    ],
)
def test_what_is_cut_off_leaves_whole_files_or_nothing(harness: Harness, kind: str, step: str) -> None:
    in_second_file = 4 if step in ("between batches", "in a copy") else 2
    outcome = harness.run(schedule(harness, Fault(kind, step, nth=in_second_file)))

    assert outcome.struck == {0}, f"a load does not go through {step!r}"
    assert outcome.loaded == [2 if step == "after commit" else 1, FILES]
    assert outcome.problems == []


@pytest.mark.parametrize(("kind", "nth"), [("killed", 4), ("killed", 7), ("backend terminated", 7)])
def test_a_loader_cut_off_while_another_process_reads_leaves_whole_files_or_nothing(
    harness: Harness, kind: str, nth: int
) -> None:
    # Of the second file that process tells the keys first (from the 4th time on), then the rows (from the 7th); what it
    # tells at once is 8 MB, so that the first of two batches finds it at the second.
    fault = Fault(kind, "read elsewhere", nth=nth)
    outcome = harness.run(schedule(harness, fault, name="part.ndjson", description="x" * 1_000_000))

    assert (outcome.struck, outcome.loaded) == ({0}, [1, FILES])
    assert outcome.problems == []


def test_a_step_that_the_loader_no_longer_has_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STEPS, "after merge", STEPS["after merge"]._replace(attribute="merged_before"))

    with pytest.raises(LookupError, match=r"ingest\.load\.merged_before is gone"):
        arm(["after merge"], print)


def test_a_file_whose_commit_was_never_answered_is_not_loaded_again(harness: Harness) -> None:
    # A loader commits the schemas, what was loaded before, and what it found; then file by file.
    outcome = harness.run(schedule(harness, Fault("answer to commit lost", nth=3 + 2)))

    assert (outcome.struck, outcome.loaded) == ({0}, [2, FILES])
    assert outcome.problems == []


def test_four_loaders_at_once_load_every_file_once(harness: Harness) -> None:
    outcome = harness.run(schedule(harness, loaders=4))

    assert outcome.loaded == [FILES, FILES]
    assert outcome.problems == []
