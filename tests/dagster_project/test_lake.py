"""`tally lake` makes a copy of the marts that `tally explore --lake` asks without any server."""

import json
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Warehouse, judge


def like(number: int) -> str:
    ids = [f"00000000-0000-4000-8000-{part:012d}" for part in (number, 1, 2)]
    keys = ("id", "user_id", "target_id")
    row = dict(zip(keys, ids, strict=True)) | {"target_type": "idea", "created_at": "2026-07-01T00:00:00Z"}
    return json.dumps(row) + "\n"


@pytest.fixture
def liked(warehouse: Warehouse) -> Warehouse:
    """A warehouse with three likes loaded and judged, and no mart in it."""
    file = warehouse.landing / "storyforge" / "likes" / "date=2026-07-01" / "likes.ndjson"
    file.parent.mkdir(parents=True)
    file.write_text("".join(map(like, range(3))))
    assert warehouse.tally("load")[0] == 0
    with psycopg.connect(warehouse.database) as connection:
        judge(connection)
    return warehouse


def test_the_copy_answers_without_any_server(liked: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = liked.tally("lake")
    assert (code, err) == (0, "")
    assert "tally.duckdb" in out.replace("\n", "")
    monkeypatch.setenv("TALLY_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    query = "select count(*) as likes, (select count(*) from raw_storyforge.likes) as raw from marts.fct_events"
    code, out, err = liked.tally("explore", "--lake", "--sql", query)

    assert (code, err) == (0, "")
    assert out.split() == ["likes", "raw", "3", "3", "(1", "row)"]
    code, _, err = liked.tally("explore", "--lake", "--sql", "drop table marts.fct_events")
    assert code == 2
    assert "read-only" in err


def test_a_copy_that_is_not_there_is_said_with_what_makes_one(warehouse: Warehouse) -> None:
    code, _, err = warehouse.tally("explore", "--lake", "--sql", "select 1")

    assert (code, err) == (2, "There is no copy of the marts yet; `tally lake` makes one.\n")


def test_rows_that_no_gate_has_seen_are_in_the_copy_and_told(liked: Warehouse) -> None:
    with psycopg.connect(liked.database) as connection:
        connection.execute("truncate audit.judged_loads")
    code, _, err = liked.tally("lake")

    assert code == 0
    assert err == "storyforge is held back by 1 load without a verdict; in the copy its marts are as its rows are.\n"


def test_a_held_system_is_in_the_copy_as_its_rows_are_and_told(liked: Warehouse) -> None:
    with psycopg.connect(liked.database) as connection:
        connection.execute(
            "insert into audit.gate_results (gate_run_id, system, rule_id, title, severity, status)"
            " values (gen_random_uuid(), 'storyforge', 'E-01', 'Broken.', 'critical', 'failed')"
        )
    code, _, err = liked.tally("lake")

    assert code == 0
    assert err == "storyforge is held back by E-01; in the copy its marts are as its rows are.\n"


def test_a_copy_is_replaced_whole_and_by_nothing_that_failed(liked: Warehouse) -> None:
    liked.tally("lake")
    (lake,) = (path for path in Path(liked.landing.parent / "home").glob("lake"))
    before = (lake / "tally.duckdb").stat().st_ino
    assert liked.tally("lake")[0] == 0
    assert (lake / "tally.duckdb").stat().st_ino != before
    assert [path.name for path in (lake / "building").iterdir()] == []
