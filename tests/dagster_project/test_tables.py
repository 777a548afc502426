"""What a terminal of eighty columns shows: no word and no number is ever cut in two."""

import io
import re

import psycopg
import pytest
from rich.console import Console

from dagster_project.commands import tables
from dagster_project.commands.tables import Rows, table
from tests.conftest import Warehouse

CONTEST = ["funpot", "0ae0d611-676c-4c5d-8fb0-a95281eeb11f", 1960, "How does the next round end?", "settled"]
NAMES = ["system", "contest_id", "stakes", "title", "status"]


def shown(rows: Rows, width: int = 80) -> list[str]:
    printed = io.StringIO()
    Console(file=printed, width=width).print(rows)
    return [line.rstrip() for line in printed.getvalue().splitlines()]


def test_rows_that_have_room_are_a_table() -> None:
    assert shown(table("Contests", NAMES, [CONTEST]), width=100) == [
        "Contests",
        "system  contest_id                            stakes  title                         status",
        "funpot  0ae0d611-676c-4c5d-8fb0-a95281eeb11f   1,960  How does the next round end?  settled",
    ]


def test_rows_that_have_none_are_records() -> None:
    lines = shown(table(None, NAMES, [CONTEST, CONTEST]))

    assert lines[:6] == [
        "system      funpot",
        "contest_id  0ae0d611-676c-4c5d-8fb0-a95281eeb11f",
        "stakes      1,960",
        "title       How does the next round end?",
        "status      settled",
        "",
    ]
    assert lines[6:] == lines[:5]


def test_what_is_spare_is_left_out_before_rows_become_records() -> None:
    lines = shown(table("Contests", NAMES, [CONTEST], spare={"contest_id"}))

    assert lines == [
        "Contests",
        "system  stakes  title                         status",
        "funpot   1,960  How does the next round end?  settled",
    ]


def test_a_long_text_wraps_between_its_words() -> None:
    words = "delivered twice " * 5
    lines = shown(table(None, ["id", "files refused", "rows", "reason"], [[1, 2, 3, words]]), width=40)

    assert lines[:3] == ["      files", "id  refused  rows  reason", " 1        2     3  delivered twice"]
    assert " ".join(" ".join(lines[2:]).split()) == f"1 2 3 {words}".strip()


def test_a_title_may_be_longer_than_its_table() -> None:
    assert shown(table("synapse xp, lifetime as of the end of 2026-06-15", ["rank"], [[1]]))[0].endswith("2026-06-15")


LOADED = """
    insert into ingest.loads
        (system, table_name, delivered_on, path, content_hash, size_bytes, status, rows_read, rows_accepted)
    values ('advert_market', 'deals', '2026-06-01', 'p', 'h', 0, 'loaded', 1234567, 1234567)
"""
JUDGED = """
    insert into audit.gate_results (gate_run_id, system, rule_id, title, severity, status)
    values (gen_random_uuid(), 'advert_market', 'C-01', 't', 'critical', 'passed');
    insert into audit.judged_loads (load_id, gate_run_id) select load_id, gen_random_uuid() from ingest.loads
"""


def test_status_tells_a_system_in_one_line(
    warehouse: Warehouse, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.execute(LOADED)
    connection.execute(JUDGED)
    connection.commit()
    monkeypatch.setattr(tables, "NO_WIDTH", 80)
    told = [line.split() for line in warehouse.tally("status")[1].splitlines() if line.startswith("advert_market")]

    assert told[0][:5] == ["advert_market", "1", "1,234,567", "0", "2026-06-01"]
    assert told[1][:6] == ["advert_market", "1", "0", "0", "0", "0"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", " ".join(line[-2:])) for line in told)
