"""The sample: the same for the same arguments, complete, and delivered as an operational system would."""

import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from ingest.contract import System, Table
from ingest.decode import read_batches
from ingest.errors import ConfigurationError
from ingest.landing import LandingFile, find_files
from ingest.sample import LAST_DAY, write_sample
from ingest.sample.outbox import Outbox, Period, Row

DAYS = 9  # two of history, then seven deliveries of a day each
HISTORY = LAST_DAY - timedelta(days=6)
DAILY = [HISTORY + timedelta(days=number) for number in range(1, 8)]
ANOTHER_PROCESS = """
import sys
from pathlib import Path
from ingest.contract import read_contracts
from ingest.sample import write_sample
from ingest.settings import Settings

write_sample(Path(sys.argv[1]), read_contracts(Settings.from_environment({}).contract_folders), days=3)
"""
LATE = {"hermes.analytics_events", "storyforge.scene_views", "synapse.event_lake"}


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory, systems: tuple[System, ...]) -> Path:
    landing = tmp_path_factory.mktemp("sample") / "landing"
    write_sample(landing, systems, days=DAYS)
    return landing


@pytest.fixture(scope="module")
def files(landing: Path, systems: tuple[System, ...]) -> list[LandingFile]:
    return find_files(landing, systems)


def contents(landing: Path) -> dict[str, bytes]:
    return {path.relative_to(landing).as_posix(): path.read_bytes() for path in landing.glob("*/*/date=*/*")}


def texts(file: LandingFile, table: Table, column: str) -> Iterator[str]:
    """The values of a column as text, however its format types them."""
    for batch in read_batches(file, table):
        assert batch.refusals == []
        yield from batch.frame[column].cast(pl.String)


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path, systems: tuple[System, ...]) -> None:
    write_sample(tmp_path / "first", systems, days=3)
    write_sample(tmp_path / "other", systems, days=3, seed=8)
    subprocess.run(
        [sys.executable, "-c", ANOTHER_PROCESS, str(tmp_path / "again")],
        env={**os.environ, "PYTHONHASHSEED": "1"},  # no order of a set may show
        check=True,
    )
    first, again, other = (contents(tmp_path / name) for name in ("first", "again", "other"))

    assert first == again
    differing = {path.split("/")[0] for path in first if first[path] != other.get(path)}
    assert differing == {system.name for system in systems}


def test_a_larger_scale_brings_more_rows(tmp_path: Path, systems: tuple[System, ...]) -> None:
    small = write_sample(tmp_path / "small", systems, days=3)
    large = write_sample(tmp_path / "large", systems, days=3, scale=2)

    assert large.rows > 1.5 * small.rows


def test_every_table_but_the_private_ones_has_rows(
    landing: Path, files: list[LandingFile], systems: tuple[System, ...]
) -> None:
    filled = {(file.system, file.table) for file in files}

    assert filled == {(system.name, table.name) for system in systems for table in system.tables}
    assert [path for s in systems for t in s.private_tables for path in landing.glob(f"{s.name}/{t.name}/*")] == []


def test_history_arrives_at_once_and_then_every_day(files: list[LandingFile], systems: tuple[System, ...]) -> None:
    deliveries: dict[str, set[date]] = defaultdict(set)
    for file in files:
        deliveries[file.system].add(file.delivered_on)

    assert deliveries == {system.name: {HISTORY, *DAILY} for system in systems}


def test_some_rows_arrive_days_late(files: list[LandingFile], systems: tuple[System, ...]) -> None:
    tables = {f"{table.system}.{table.name}": table for system in systems for table in system.tables}
    late: Counter[str] = Counter()
    for file in files:
        name = f"{file.system}.{file.table}"
        column = tables[name].event_time
        if name in LATE and column and file.delivered_on in DAILY and "resent" not in file.path.name:
            own_day = str(file.delivered_on - timedelta(days=1))
            late[name] += sum(text < own_day for text in texts(file, tables[name], column))

    assert {name for name in LATE if not late[name]} == set()


def test_a_delivery_is_sent_again_as_it_was_and_in_another_format(
    files: list[LandingFile], systems: tuple[System, ...]
) -> None:
    tables = {(table.system, table.name): table for system in systems for table in system.tables}
    sent = {(file.system, file.table): file for file in files if file.delivered_on == DAILY[0]}
    again = [file for file in files if file.path.name.startswith("resent")]
    copies = [file for file in again if "other-format" not in file.path.name]
    converted = [file for file in again if "other-format" in file.path.name]

    assert {file.system for file in copies} == {file.system for file in converted} == {s.name for s in systems}
    for file in again:
        original = sent[file.system, file.table]
        assert file.delivered_on > original.delivered_on
        if file in copies:
            assert file.path.read_bytes() == original.path.read_bytes()
        else:
            table = tables[file.system, file.table]
            assert file.format != original.format or file.path.suffix != original.path.suffix
            for column in table.key:
                assert list(texts(file, table, column)) == list(texts(original, table, column))


@pytest.mark.parametrize(("days", "scale"), [(2, 1), (60, 0)])
def test_a_sample_too_small_is_refused(tmp_path: Path, systems: tuple[System, ...], days: int, scale: int) -> None:
    with pytest.raises(ConfigurationError, match="--days 3 and --scale 1"):
        write_sample(tmp_path, systems, days=days, scale=scale)


# --- deliveries -----------------------------------------------------------------------------------------------------


@pytest.fixture
def outbox(systems: tuple[System, ...]) -> Outbox:
    """Two days of history, then one delivery for each of two more days."""
    storyforge = next(system for system in systems if system.name == "storyforge")
    return Outbox(storyforge, Period(date(2026, 1, 1), days=4, history_days=2))


def row(outbox: Outbox, table: str, **values: object) -> Row:
    return dict.fromkeys(column.name for column in outbox.tables[table].columns) | values


def on_day(number: int) -> datetime:
    return datetime(2026, 1, number, 12, tzinfo=UTC)


def delivered(outbox: Outbox, table: str, column: str) -> list[list[object]]:
    return [[row[column] for row in rows] for rows in outbox.deliveries(table)]


def test_an_append_row_is_delivered_once_and_a_late_one_with_a_later_day(outbox: Outbox) -> None:
    outbox.add("scene_views", row(outbox, "scene_views", id=1), on_day(1))
    outbox.add("scene_views", row(outbox, "scene_views", id=2), on_day(2), late_days=1)
    outbox.add("scene_views", row(outbox, "scene_views", id=3), on_day(4), late_days=3)

    assert delivered(outbox, "scene_views", "id") == [[1], [2], [3]]


def test_an_upserted_row_is_delivered_in_its_last_version_of_the_day(outbox: Outbox) -> None:
    for day, status in ((1, "queued"), (1, "processing"), (3, "failed"), (3, "final_ready")):
        outbox.put("jobs", row(outbox, "jobs", id=1, status=status), on_day(day))

    assert delivered(outbox, "jobs", "status") == [["processing"], ["final_ready"], []]
    assert [record.row["status"] for record in outbox.latest("jobs")] == ["final_ready"]


def test_a_pull_finds_the_rows_that_changed_since_the_last_as_they_then_stand(outbox: Outbox) -> None:
    noon = datetime(2026, 1, 4, 12, tzinfo=UTC)
    changes = ((1, -1, "queued"), (1, 5, "processing"), (1, 20, "script_ready"), (2, 20, "queued"), (1, 60, "failed"))
    for key, seconds, status in changes:
        outbox.put("jobs", row(outbox, "jobs", id=key, status=status), noon + timedelta(seconds=seconds))
    outbox.put("jobs", row(outbox, "jobs", id=1, status="queued"), outbox.period.end - timedelta(seconds=1))
    pulls = outbox.pulls("jobs", noon, timedelta(minutes=1))

    assert [(at - noon, [row["status"] for row in rows]) for at, rows in pulls] == [
        (timedelta(minutes=1), ["script_ready", "queued"]),
        (timedelta(minutes=2), ["failed"]),
    ]


def test_a_replaced_table_is_delivered_whole_without_what_was_removed(outbox: Outbox) -> None:
    likes = [row(outbox, "likes", id=number) for number in (1, 2)]
    for like in likes:
        outbox.put("likes", like, on_day(1))
    outbox.remove("likes", likes[0], on_day(3))

    assert delivered(outbox, "likes", "id") == [[1, 2], [2], []]
    assert [record.row["id"] for record in outbox.latest("likes")] == [2]


def test_a_row_that_does_not_fit_the_contract_is_refused_by_name(outbox: Outbox) -> None:
    with pytest.raises(ValueError, match=r"storyforge\.likes: columns \['reason'\]"):
        outbox.put("likes", row(outbox, "likes", reason="kind"), on_day(1))
