"""A fault at each named step in turn: before the commit a file leaves nothing, after it everything."""

import random
from dataclasses import replace
from datetime import date

import pytest

from tests.faults.deliveries import Row, deliver
from tests.faults.harness import Harness
from tests.faults.rows import kits
from tests.faults.schedule import Fault, Round, Schedule
from tests.faults.steps import BATCH_ROWS, STEPS, arm

ROWS = 2 * BATCH_ROWS  # two batches
FILES = 3
BLANK_LINE = b" " * 1_000_000 + b"\n"
TABLE = "advert_market.ledger_entries"


def schedule(harness: Harness, *faults: Fault, loaders: int = 1, large: int | None = None) -> Schedule:
    """Three files of ledger entries, each with a month of its own; every file repeats a row of the one before.

    The one numbered `large` ends in 12 MB of blank lines and is not parquet, so that another process may read it.
    """
    row = kits()[TABLE].row
    deliveries = []
    for number in range(FILES):
        keys = [number + 6 * place for place in range(ROWS - 1)]  # keys that are six apart have one month
        rows = [Row(row(key, 0)) for key in (*keys, max(number - 1, 0))]
        day = date(2026, 6, 1 + number)
        name, blank = ("part.ndjson", 12 * BLANK_LINE) if number == large else ("part.parquet", b"")
        delivery = deliver(harness.tables[TABLE], rows, name, day, random.Random(number))
        deliveries.append(replace(delivery, content=delivery.content + blank))
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


@pytest.mark.parametrize(("kind", "nth"), [("killed", 1), ("killed", 5), ("backend terminated", 5)])
def test_a_loader_cut_off_while_another_process_reads_leaves_whole_files_or_nothing(
    harness: Harness, kind: str, nth: int
) -> None:
    # It tells 8 MB at once: when it is first heard, of keys (1st) or of rows (5th), it is at work on the next 8 MB.
    outcome = harness.run(schedule(harness, Fault(kind, "read elsewhere", nth=nth), large=1))

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
