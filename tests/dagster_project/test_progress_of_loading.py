"""What `tally load` shows while a file is read: plain lines off a terminal, a bar on one, JSON for machines."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from dagster_project.commands import feed, watch
from dagster_project.commands.pace import Paces
from dagster_project.commands.watch import Watch
from ingest.contract import System
from ingest.landing import LandingFile, find_files
from ingest.load import Load
from tests.conftest import Warehouse

LINE = '{"id": %d, "guild_id": 1, "user_id": 2, "event_type": "m", "timestamp": "2026-05-01T00:00:00Z"}\n'


def deliver(landing: Path, name: str, first: int, rows: int) -> None:
    folder = landing / "synapse" / "event_lake" / "date=2026-06-01"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(LINE % number for number in range(first, first + rows)))


def test_json_tells_of_reading_and_of_every_file(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "SECONDS_BETWEEN", 0.0)
    deliver(warehouse.landing, "a.ndjson", 0, 500)
    deliver(warehouse.landing, "b.ndjson", 400, 500)
    code, out, _ = warehouse.tally("load", "--json")
    events = [json.loads(line) for line in out.splitlines()]

    assert code == 0
    # Once the table holds rows, a file is read for its keys and then for what is new.
    assert [event["event"] for event in events] == ["reading", "file", "reading", "reading", "file"]
    first, _, keys, second, done = events
    assert (first["rows"], first["table_rows"]) == (500, 500)
    assert (keys["rows"], keys["table_rows"]) == (500, 1000)
    assert first["table_bytes_read"] < keys["table_bytes_read"] < second["table_bytes_read"]
    assert (second["rows"], second["table_rows"]) == (500, 1000)
    assert first["table_bytes_read"] < second["table_bytes_read"] == second["table_bytes"] == first["table_bytes"]
    assert second["seconds_left"] == 0
    assert (done["status"], done["rows_accepted"], done["rows_duplicate"]) == ("loaded", 400, 100)


def files_of(landing: Path, systems: tuple[System, ...]) -> list[LandingFile]:
    deliver(landing, "a.ndjson", 0, 100)
    deliver(landing, "b.ndjson", 0, 300)
    return find_files(landing, systems)


def load_of(file: LandingFile, rows: int) -> Load:
    return Load(file.system, file.table, file.relative, "loaded", None, rows, rows, 0, 0, 0, 0.1)


def test_what_is_left_counts_every_new_file_of_the_table(tmp_path: Path, systems: tuple[System, ...]) -> None:
    first, second = files_of(tmp_path, systems)
    assert first.entry and second.entry
    paces = Paces()
    paces.expect([first, second])

    total = first.entry.size + second.entry.size
    assert paces.read(first, 100, first.entry.size).share == first.entry.size / total
    assert paces.finish(load_of(first, 100)).rows == 100
    halfway = paces.read(second, 150, second.entry.size // 2)
    assert (halfway.rows, halfway.share) == (250, (first.entry.size + second.entry.size // 2) / total)
    assert paces.finish(load_of(second, 300)).share == 1


def test_off_a_terminal_a_long_table_tells_how_far_it_is(
    tmp_path: Path, systems: tuple[System, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(watch, "LONG_BYTES", 1)
    first, second = files_of(tmp_path, systems)
    printed = io.StringIO()
    with Watch(Console(file=printed, width=200)) as shown:
        shown.loading("synapse", [first, second])
        for file, rows in ((first, 100), (second, 300)):
            assert file.entry
            shown.reading(file, rows, file.entry.size)
            shown.loaded(load_of(file, rows))
    lines = printed.getvalue().splitlines()

    assert lines[0].startswith("load synapse.event_lake: 100 rows, 25%, ")
    assert lines[1].startswith("load synapse.event_lake: 400 rows, 100%, ")
    assert lines[1].endswith("being stored")
    assert lines[2].startswith("load synapse: 2 files, 400 rows accepted (")


def test_on_a_terminal_a_long_table_has_a_bar_while_it_lasts(
    tmp_path: Path, systems: tuple[System, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LONG_BYTES", 1)
    first, second = files_of(tmp_path, systems)
    printed = io.StringIO()
    terminal = Console(file=printed, width=160, force_terminal=True)
    with Watch(terminal) as shown:
        shown.loading("synapse", [first, second])
        shown.reading(first, 100, 5)
        assert [task.description.strip() for task in shown._bars.tasks if task.visible] == [
            "load synapse",
            "event_lake",
        ]
        shown._bars.refresh()
        for file in (first, second):
            shown.loaded(load_of(file, 100))
        assert [task.description.strip() for task in shown._bars.tasks if task.visible] == ["load synapse"]
    assert "rows/s" in printed.getvalue()
