"""What a run looks at and what it need not: nothing is missed, and nothing known is listed or read again."""

import gzip
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from ingest.arrivals import NEWEST_FOLDERS, find_arrivals
from ingest.contract import System
from ingest.landing import LandingFile, find_strangers
from ingest.load import Load, load_files
from tests.ingest.zone import LEDGER, POSTED, entry, ndjson
from tests.places import Bucket, Cost, Folder, Place, Server

FIRST = date(2026, 6, 1)
LAST = FIRST + timedelta(days=NEWEST_FOLDERS + 3)


@dataclass
class Line:
    """A landing zone of either kind and the warehouse it is loaded into, as the commands do it."""

    place: Place
    connection: psycopg.Connection
    systems: tuple[System, ...]

    def deliver(self, day: date, content: bytes, name: str = "part.ndjson", table: str = LEDGER) -> str:
        path = f"{table.replace('.', '/')}/date={day}/{name}"
        self.place.put(path, content)
        return path

    def deliver_days(self, first: date, last: date) -> list[str]:
        """One entry a day, numbered by its day, so that no two files are equal."""
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        return [self.deliver(day, ndjson(entry(day.toordinal()))) for day in days]

    def found(self, **choice: Any) -> list[LandingFile]:
        return find_arrivals(self.connection, self.place.landing, self.systems, **choice)

    def load(self, **choice: Any) -> list[Load]:
        """Load what is new; what became of the files that were not known."""
        done = load_files(self.connection, self.systems, self.found(**choice))
        return [load for load in done if load.status != "skipped"]

    def cost(self, **choice: Any) -> Cost:
        return self.place.cost_of(lambda: self.load(**choice))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()  # type: ignore[arg-type]


@pytest.fixture
def line(place: Place, connection: psycopg.Connection, systems: tuple[System, ...]) -> Line:
    connection.autocommit = True
    return Line(place, connection, systems)


def test_a_known_file_is_not_read_again(line: Line) -> None:
    line.deliver(FIRST, ndjson(entry(1)))
    line.deliver(FIRST, ndjson(entry(2)), name="other.ndjson")

    assert line.cost().reads == 2
    assert line.cost().reads == 0
    assert line.cost(all_dates=True).reads == 0
    assert [file.is_known for file in line.found()] == [True, True]


def test_a_file_known_by_content_alone_is_read_once(line: Line) -> None:
    line.deliver(FIRST, ndjson(entry(1)))
    line.load()
    line.deliver(FIRST, ndjson(entry(1)), name="resent.ndjson")

    assert line.cost() == Cost(line.cost().lists, 1)
    assert line.cost().reads == 0
    assert line.rows("select count(*) from ingest.loads") == [(1,)]


def test_a_file_rewritten_in_its_place_is_read_again(line: Line) -> None:
    line.deliver(FIRST, ndjson(entry(1)))
    line.load()
    line.deliver(FIRST, ndjson(entry(2)))  # as many bytes
    (load,) = line.load()

    assert load.rows_accepted == 1
    assert line.cost().reads == 0


def test_a_rewritten_file_is_noticed_though_its_time_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connection: psycopg.Connection, systems: tuple[System, ...]
) -> None:
    line = Line(Folder(tmp_path, monkeypatch), connection, systems)
    path = tmp_path / line.deliver(FIRST, ndjson(entry(1)))
    before = path.stat()
    line.load()
    line.deliver(FIRST, ndjson(entry(2)))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert [load.rows_accepted for load in line.load()] == [1]


def test_a_date_folder_never_seen_is_found_however_old(line: Line) -> None:
    line.deliver_days(FIRST, LAST)
    line.load()
    late = [line.deliver(date(2019, 2, 28), ndjson(entry(1))), line.deliver(date(2024, 2, 29), ndjson(entry(2)))]

    assert [load.path for load in line.load()] == late


def test_what_is_put_into_an_old_loaded_folder_waits_for_a_run_over_all_dates(line: Line) -> None:
    line.deliver_days(FIRST, LAST)
    line.load()
    straggler = line.deliver(FIRST, ndjson(entry(1)), name="straggler.ndjson")

    assert line.load() == []
    assert [load.path for load in line.load(all_dates=True)] == [straggler]


def test_a_day_that_is_asked_for_is_looked_into_and_no_other(line: Line) -> None:
    line.deliver_days(FIRST, LAST)
    line.load()
    straggler = line.deliver(FIRST, ndjson(entry(1)), name="straggler.ndjson")
    line.deliver(LAST, ndjson(entry(2)), name="new.ndjson")

    assert [load.path for load in line.load(delivered_on=FIRST)] == [straggler]


def test_the_newest_folders_are_looked_into_each_time(line: Line) -> None:
    line.deliver_days(FIRST, LAST)
    line.load()
    oldest_of_them = LAST - timedelta(days=NEWEST_FOLDERS - 1)
    more = [line.deliver(day, ndjson(entry(day.day)), name="more.ndjson") for day in (oldest_of_them, LAST)]
    line.deliver(oldest_of_them - timedelta(days=1), ndjson(entry(99)), name="straggler.ndjson")

    assert [load.path for load in line.load()] == more


def test_what_came_late_to_the_last_day_before_a_pause_is_found(line: Line) -> None:
    line.deliver_days(FIRST, LAST)
    line.load()
    late = line.deliver(LAST, ndjson(entry(1)), name="late.ndjson")
    after_the_pause = line.deliver_days(LAST + timedelta(days=1), LAST + timedelta(days=3 * NEWEST_FOLDERS))

    assert [load.path for load in line.load()] == [late, *after_the_pause]


def test_a_loader_that_stopped_half_way_through_an_old_folder_goes_on_with_it(line: Line) -> None:
    line.deliver_days(FIRST, LAST)
    line.load()
    old = date(2020, 1, 1)
    paths = [line.deliver(old, ndjson(entry(number)), name=f"{number}.ndjson") for number in range(4)]
    files = [file for file in line.found() if file.delivered_on == old]
    load_files(line.connection, line.systems, files[:2])

    assert [load.path for load in line.load()] == paths[2:]
    assert old not in {file.delivered_on for file in line.found()}


def test_a_refused_file_is_tried_again_in_however_old_a_folder(line: Line) -> None:
    line.deliver_days(FIRST, LAST)
    broken = line.deliver(FIRST, b"not parquet", name="broken.parquet")
    line.load()

    assert [(load.path, load.status) for load in line.load()] == [(broken, "failed")]
    line.place.remove(broken)
    mended = line.deliver(FIRST, ndjson(entry(1)), name="mended.ndjson")
    assert [load.path for load in line.load()] == [mended]
    assert FIRST not in {file.delivered_on for file in line.found()}


def test_what_the_manifest_does_not_hold_is_loaded_again(line: Line) -> None:
    paths = line.deliver_days(FIRST, LAST)
    line.load()
    line.connection.execute("truncate raw_advert_market.ledger_entries")
    line.connection.execute("delete from ingest.loads")

    assert [load.path for load in line.load()] == paths


def test_a_refusal_is_forgotten_when_the_file_turns_out_to_be_a_copy(line: Line) -> None:
    line.deliver(FIRST, ndjson(entry(1)))
    line.deliver(FIRST, b"not gzip", name="copy.ndjson.gz")
    line.load()
    assert line.rows("select count(*) from ingest.loads where status = 'failed'") == [(1,)]
    line.deliver(FIRST, gzip.compress(ndjson(entry(1)), mtime=0), name="copy.ndjson.gz")
    line.deliver(FIRST, gzip.compress(ndjson(entry(1)), mtime=0), name="a-copy.ndjson.gz")
    line.load()

    assert line.rows("select count(*) from ingest.loads where status = 'failed'") == [(0,)]


def test_the_same_paths_in_another_landing_zone_are_other_files(
    line: Line, tmp_path: Path, s3: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.deliver_days(FIRST, LAST)
    line.load()
    is_folder = isinstance(line.place, Folder)
    other = replace(line, place=Folder(tmp_path / "other", monkeypatch) if is_folder else Bucket(s3))
    missed = other.deliver(FIRST, ndjson(entry(1)))

    assert [load.path for load in other.load()] == [missed]


def test_a_table_replaced_whole_goes_back_to_an_earlier_state(line: Line) -> None:
    key = {"key": "fee", "updated_at": POSTED}
    states = [ndjson(json.dumps(key | {"value_json": value}) + "\n") for value in (5, 7, 5)]
    for day, state in enumerate(states):
        line.deliver(FIRST + timedelta(days=day), state, table="funpot.config")
        line.load()
    (config,) = (t for s in line.systems for t in s.tables if (s.name, t.name) == ("funpot", "config"))

    assert config.newest_delivery_wins
    assert line.rows("select value_json::text from raw_funpot.config") == [("5",)]
    assert line.cost().reads == 0


def test_four_loaders_that_look_at_once_load_every_file_once(line: Line, database: str) -> None:
    line.deliver_days(FIRST, LAST)
    days = (LAST - FIRST).days + 1

    def load_all(_: int) -> None:
        with psycopg.connect(database, options="-c timezone=UTC") as connection:
            replace(line, connection=connection).load()

    with ThreadPoolExecutor(4) as loaders:
        list(loaders.map(load_all, range(4)))

    assert line.rows("select count(*), sum(rows_accepted)::int from ingest.loads") == [(days, days)]
    assert line.cost().reads == 0


def test_looking_leaves_no_transaction_open_that_would_hold_all_files_together(
    place: Place, connection: psycopg.Connection, systems: tuple[System, ...]
) -> None:
    line = Line(place, connection, systems)
    connection.commit()
    line.deliver(FIRST, ndjson(entry(1)))
    line.found()

    assert not connection.autocommit
    assert connection.info.transaction_status is TransactionStatus.IDLE


def test_ten_times_as_many_old_dates_cost_nothing_but_the_pages_of_their_names(
    bucket: Bucket, connection: psycopg.Connection, systems: tuple[System, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "50")  # names in a page, instead of 1,000
    line = Line(bucket, connection, systems)
    pages = {}
    for days in (40, 400):
        for number in range(days):
            line.deliver(FIRST + timedelta(days=number), b"")
        line.load()
        pages[days] = (line.cost(), bucket.cost_of(lambda: find_strangers(bucket.landing, systems)).lists)

    # Five systems, the dates of the one table by pages, and its newest files.
    assert pages[40] == (Cost(5 + 1 + 1, 0), 1 + 1 + 1)
    assert pages[400] == (Cost(5 + 8 + 1, 0), 1 + 1 + 8)


def test_a_run_over_all_dates_asks_for_a_thousand_files_at_a_time(
    bucket: Bucket, connection: psycopg.Connection, systems: tuple[System, ...]
) -> None:
    line = Line(bucket, connection, systems)
    for number in range(100):
        line.deliver(FIRST + timedelta(days=number), b"")
    line.load()

    assert line.cost(all_dates=True) == Cost(5 + 1 + 1, 0)


def test_old_local_folders_are_not_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connection: psycopg.Connection, systems: tuple[System, ...]
) -> None:
    line = Line(Folder(tmp_path, monkeypatch), connection, systems)
    for number in range(100):
        line.deliver(FIRST + timedelta(days=number), b"")
    line.load()

    assert line.cost() == Cost(5 + 1 + NEWEST_FOLDERS, 0)
