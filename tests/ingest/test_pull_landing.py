"""What a pull writes: whole files or none, whatever is killed when, in sizes that loading and memory can bear."""

import json
import signal
import subprocess
import sys

import polars as pl
import pytest

from ingest import pull_landing, pull_rows
from ingest.errors import ConfigurationError
from ingest.landing import find_files, find_strangers
from ingest.pull_landing import claimed
from tests.ingest.operational import Operation

# Pulls the toy system, and dies before the given file is moved into place (the cursor is such a file too).
DYING = """
import os, signal, sys
from pathlib import Path
from ingest.contract import read_contract
from ingest.pull import pull

contract, conninfo, landing, moves = sys.argv[1:]
left = int(moves)

def dying(original):
    def move(self, target):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return original(self, target)
    return move

Path.rename, Path.replace = dying(Path.rename), dying(Path.replace)
pull(conninfo, read_contract(Path(contract)), Path(landing))
"""


def pull_and_die(toy: Operation, moves: int) -> None:
    words = [str(toy.system.path), toy.conninfo, str(toy.landing), str(moves)]
    assert subprocess.run([sys.executable, "-c", DYING, *words], check=False).returncode == -signal.SIGKILL


# A pull that delivers three files makes five moves: the stamp of the cursor, the files, the cursor.
@pytest.mark.parametrize(("moves", "files_seen"), [(0, 0), (1, 0), (2, 1), (3, 2), (4, 3)])
def test_a_pull_that_is_killed_loses_nothing_and_the_next_one_repeats_it(
    toy: Operation, moves: int, files_seen: int
) -> None:
    toy.run("insert into entries values (1);\ninsert into accounts values (1, 1);\ninsert into rates values ('a')")
    toy.pull()
    toy.run("insert into entries values (2);\nupdate accounts set balance = 2;\ninsert into rates values ('b')")
    pull_and_die(toy, moves)
    tables = ("entries", "accounts", "rates")
    assert sum(len(toy.files(table)) for table in tables) == len(tables) + files_seen

    assert toy.rows_pulled() == {"entries": 1, "accounts": 1, "rates": 2}
    assert {row["id"] for row in toy.delivered("entries")} == {1, 2}
    assert toy.delivered("accounts")[-1]["balance"] == "2"
    assert toy.rows_pulled() == {}
    assert list((toy.landing / "toy" / "_pull").glob("*.parquet")) == []


def test_a_replaced_table_is_not_taken_for_settled_after_a_killed_pull(toy: Operation) -> None:
    toy.run("insert into rates values ('a'), ('b')")
    pull_and_die(toy, 2)
    toy.run("delete from rates where key = 'b'")
    assert toy.rows_pulled() == {"rates": 1}
    # The day holds both deliveries, so another day has to hold the last one alone.
    cursor = json.loads((toy.landing / "toy" / "_pull" / "cursor.json").read_text(encoding="utf-8"))
    assert cursor["tables"]["rates"]["alone"] is False


def test_what_a_killed_pull_delivered_is_taken_back_when_the_source_took_it_back(toy: Operation) -> None:
    toy.run("insert into rates values ('a', 'before')")
    toy.pull()
    toy.run("update rates set value = 'between'")
    pull_and_die(toy, 2)
    assert toy.delivered("rates")[-1]["value"] == "between"
    toy.run("update rates set value = 'before'")

    assert toy.rows_pulled() == {"rates": 1}
    assert toy.delivered("rates")[-1]["value"] == "before"


def test_a_replaced_table_is_not_alone_on_a_day_that_holds_other_files(toy: Operation) -> None:
    toy.run("insert into rates values ('a'), ('b')")
    toy.pull()
    path = toy.landing / "toy" / "_pull" / "cursor.json"
    path.unlink()
    toy.run("delete from rates where key = 'b'")
    toy.pull()

    assert json.loads(path.read_text(encoding="utf-8"))["tables"]["rates"]["alone"] is False


def test_a_clock_that_went_back_does_not_let_older_versions_win(toy: Operation) -> None:
    toy.run("insert into accounts values (1, 1)")
    toy.pull()
    path = toy.landing / "toy" / "_pull" / "cursor.json"
    cursor = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(cursor | {"stamp": "2999-12-31T23:59:59.999999Z"}), encoding="utf-8")
    toy.run("update accounts set balance = 2")
    toy.pull()
    toy.run("update accounts set balance = 3")
    toy.pull()

    assert [row["balance"] for row in toy.delivered("accounts")] == ["1", "2", "3"]
    assert [path.parent.name for path in toy.files("accounts")][1:] == ["date=3000-01-01"] * 2


def test_a_row_that_goes_back_to_an_earlier_state_is_a_file_of_its_own(toy: Operation) -> None:
    toy.run("insert into accounts values (1, 1)")
    toy.pull()
    for balance in (2, 1):
        toy.run(f"update accounts set balance = {balance}")
        toy.pull()

    assert [row["balance"] for row in toy.delivered("accounts")] == ["1", "2", "1"]
    # Loading skips bytes it knows, and would leave the row at 2.
    assert len({path.read_bytes() for path in toy.files("accounts")}) == 3


def test_only_one_pull_of_a_system_writes_at_a_time(toy: Operation) -> None:
    with (
        claimed(toy.landing, "toy"),
        pytest.raises(ConfigurationError, match="Another pull of toy is under way"),
    ):
        toy.pull()
    assert toy.rows_pulled() == {"rates": 0}


def test_a_landing_zone_that_cannot_be_written_is_named(toy: Operation) -> None:
    toy.landing.write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"The landing zone .*landing cannot be written \(Not a directory\)"):
        toy.pull()


def test_loading_sees_nothing_of_an_unfinished_pull(toy: Operation) -> None:
    toy.pull()
    scratch = toy.landing / "toy" / "_pull"
    (scratch / "entries.pull-1.parquet").touch()

    assert [file.table for file in find_files(toy.landing, [toy.system])] == ["rates"]
    assert find_strangers(toy.landing, [toy.system]) == []
    toy.pull()
    assert sorted(path.name for path in scratch.iterdir()) == ["cursor.json", "lock"]


def test_a_large_table_comes_in_files_of_bounded_size_and_a_replaced_one_in_a_single_file(
    toy: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_rows, "FRAME_ROWS", 10)
    monkeypatch.setattr(pull_landing, "ROWS_PER_FILE", 30)
    toy.run("insert into entries select number from generate_series(1, 95) as number")
    toy.run("insert into rates select number from generate_series(1, 95) as number")
    toy.pull()

    assert [pl.read_parquet(path).height for path in toy.files("entries")] == [30, 30, 30, 5]
    assert [pl.read_parquet(path).height for path in toy.files("rates")] == [95]
    assert sorted(row["id"] for row in toy.delivered("entries")) == list(range(1, 96))
    monkeypatch.setattr(pull_landing, "ROWS_PER_FILE", 10**9)
    monkeypatch.setattr(pull_landing, "BYTES_PER_FILE", 1)
    toy.run("update entries set note = repeat('x', 1000)")
    toy.pull()
    assert [pl.read_parquet(path).height for path in toy.files("entries")[4:]] == [10] * 9 + [5]


def test_an_instant_that_parquet_cannot_hold_makes_text_of_the_column_in_all_files_of_the_table(
    toy: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_rows, "FRAME_ROWS", 10_000)
    monkeypatch.setattr(pull_landing, "ROWS_PER_FILE", 20_000)
    # Found after some files are written, and long before the source has sent the last row.
    at = "case when number = 55555 then 'infinity' else '2026-06-01 00:00+00'::timestamptz end"
    toy.run(f"insert into entries select number, {at}, repeat('x', 50) from generate_series(1, 300000) as number")
    assert toy.rows_pulled() == {"entries": 300_000, "rates": 0}

    frames = [pl.read_parquet(path) for path in toy.files("entries")]
    assert {frame.schema["at"] for frame in frames} == {pl.String()}
    assert pl.concat(frames)["id"].sort().to_list() == list(range(1, 300_001))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"stamp": "2026-06-01T00:00:00Z", "surprise": 1}'])
def test_a_cursor_that_cannot_be_read_is_named_and_its_removal_pulls_everything_again(
    toy: Operation, content: str
) -> None:
    toy.run("insert into entries values (1)")
    toy.pull()
    path = toy.landing / "toy" / "_pull" / "cursor.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"_pull/cursor\.json is not a cursor .* remove it"):
        toy.pull()
    path.unlink()

    assert toy.rows_pulled() == {"entries": 1, "rates": 0}
