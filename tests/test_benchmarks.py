"""What the benchmarks rest on: their rows, their arithmetic, and that they still run. Nothing here is timed."""

import json
import os
import sys
from fnmatch import fnmatch
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from tests.benchmarks import data, report
from tests.benchmarks.loading import FLOOR, SUBJECTS, Loading
from tests.benchmarks.measure import BenchmarkError, Book, Comparison, Measurement, Trial, measure, run_in_turns
from tests.benchmarks.warehouse import warehouse

TABLES = [subject.table for subject in SUBJECTS]


def rows(wanted: data.Rows) -> pl.DataFrame:
    return pl.concat(wanted.chunks())


@pytest.mark.parametrize("table", TABLES)
def test_equal_seeds_give_equal_rows(table: str) -> None:
    wanted = data.history(table, 1_000)

    assert rows(wanted).equals(rows(wanted))


@pytest.mark.parametrize("table", TABLES)
def test_no_row_is_in_a_history_and_in_an_increment_or_in_two_increments(table: str) -> None:
    history = data.history(table, 1_000)
    everything = pl.concat([rows(history), rows(data.increment(history, 0, 50)), rows(data.increment(history, 50, 20))])

    assert everything["id"].n_unique() == 1_070


def test_the_same_rows_in_another_order_are_another_file(tmp_path: Path) -> None:
    history = data.history(TABLES[0], 1_000)
    first, again = (
        data.write(history, tmp_path / f"{way}.ndjson", shuffled=way == "again") for way in ("first", "again")
    )

    assert first.read_bytes() != again.read_bytes()
    assert sorted(first.read_text().splitlines()) == sorted(again.read_text().splitlines())


def test_every_format_tells_the_same_rows(tmp_path: Path) -> None:
    history = data.history(TABLES[0], 1_000)
    told = [json.loads(line) for line in data.write(history, tmp_path / "rows.ndjson").read_text().splitlines()]
    kept = pl.read_parquet(data.write(history, tmp_path / "rows.parquet"))

    assert [row["id"] for row in told] == kept["id"].to_list()
    assert [row["payload"] for row in told] == [json.loads(payload) for payload in kept["payload"]]
    assert [row["source_id"] for row in told] == kept["source_id"].to_list()


def test_ledger_postings_balance() -> None:
    credit = pl.when(pl.col("direction") == "CREDIT").then(1).otherwise(-1)
    postings = rows(data.history(TABLES[1], 1_000)).group_by("tx_ref", maintain_order=True)
    drifts = postings.agg((credit * pl.col("amount_nano")).sum().alias("drift"))["drift"].to_list()

    assert set(drifts[:-1]) == {0}  # the last posting may be cut short


def test_contenders_take_turns_in_going_first() -> None:
    order: list[str] = []
    trials = [Trial(name, lambda _book, name=name: order.append(name), once=name == "c") for name in "abc"]  # type: ignore[misc]

    run_in_turns(trials, 3, Book(), lambda _line: None)

    assert "".join(order) == "abcbaab"


def test_the_median_run_counts_and_the_highest_memory() -> None:
    book = Book()
    for seconds, peak in ((4.0, 10), (1.0, 30), (2.0, 20)):
        book.record("case", "contender", 100, Measurement(seconds, None, peak, {}))
    series = book.series["case", "contender"]

    assert (series.seconds, series.rate, series.peak_bytes, series.cpu_seconds) == (2.0, 50.0, 30, None)


@pytest.mark.parametrize(
    ("value", "goal", "at_most", "met"),
    [
        (2.0, 1.5, False, True),
        (1.0, 1.5, False, False),
        (1.0, 1.5, True, True),
        (2.0, 1.5, True, False),
        (1, None, True, None),
    ],
)
def test_a_goal_is_met_or_not(value: float, goal: float | None, at_most: bool, met: bool | None) -> None:
    assert Comparison("claim", value, goal, at_most).is_met is met


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_the_memory_of_a_clients_children_counts() -> None:
    child = "held = b'x' * 150_000_000; sum(range(20_000_000))"
    client = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"

    measured = measure([sys.executable, "-c", client], {}, os.getpid())

    assert 150_000_000 < (measured.peak_bytes or 0) < 300_000_000


def test_a_client_that_fails_is_no_measurement() -> None:
    with pytest.raises(BenchmarkError, match="no such table"):
        measure([sys.executable, "-c", "raise SystemExit('no such table')"], {}, os.getpid())


def test_the_benchmarks_of_loading_run_and_are_reported(tmp_path: Path) -> None:
    chosen = ("first/ledger_entries/*", "again/ledger_entries/csv", "growth/event_lake/ndjson/200")
    book, printed = Book(), StringIO()
    with warehouse() as server:
        loading = Loading(server, rows=1_000, runs=1, peer_rows=1_000, peers=None)
        for group in loading.trials():
            run_in_turns([t for t in group if any(fnmatch(t.name, c) for c in chosen)], 1, book, lambda _line: None)
    comparisons = list(loading.comparisons(book))
    report.show(Console(file=printed, width=200), book, comparisons, {"machine": report.machine(), "notes": ["noisy"]})
    report.write_json(tmp_path / "found.json", book, comparisons, {})

    found = json.loads((tmp_path / "found.json").read_text())
    contenders = {(series["case"], series["contender"]) for series in found["series"]}
    assert {("ledger_entries: first load", name) for name in ("Tally, csv", FLOOR)} <= contenders
    assert ("ledger_entries: all rows again, csv", "Tally, same rows, other order") in contenders
    assert ("event_lake: new rows, 1 % of the table, ndjson", "Tally, table of 200") in contenders
    assert [claim["claim"] for claim in found["comparisons"] if claim["goal"] == 1.0] == [
        f"ledger_entries: first load, csv: rows a second of Tally / {FLOOR}"
    ]
    assert "noisy" in printed.getvalue() and "at least 3 x" in printed.getvalue()
