"""No row is missed, whenever it commits; and what brings rows into a table without writing them is noticed."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
import pytest

from ingest.pull_cursor import (
    FIRST_ROUND,
    REMEMBERED_TRANSACTIONS,
    Cursor,
    Incarnation,
    Snapshot,
    TableCursor,
    transactions_seen,
    why_whole,
)
from tests.ingest.operational import Operation


def ids(toy: Operation) -> list[int]:
    return [row["id"] for row in toy.delivered("entries")]


@dataclass
class NaiveCursor:
    """What most loaders do: ask for rows above the largest value of a column so far."""

    toy: Operation
    column: str
    largest: str | None = None
    rows: list[int] = field(default_factory=list)

    def pull(self) -> None:
        where = f"where {self.column} > '{self.largest}'" if self.largest else ""
        ((rows, largest),) = self.toy.fetch(f"select array_agg(id), max({self.column})::text from entries {where}")
        self.rows += rows or []
        self.largest = largest or self.largest


def test_a_row_that_commits_late_is_never_missed_where_a_cursor_of_times_or_keys_loses_it(toy: Operation) -> None:
    naive = [NaiveCursor(toy, "at"), NaiveCursor(toy, "id")]
    with toy.writer() as late, toy.writer() as early:
        late.execute("insert into entries values (1, '2026-06-01 10:00+00', 'began first, commits last')")
        early.execute("insert into entries values (2, '2026-06-01 10:01+00', 'began last, commits first')")
        early.commit()
        toy.pull()
        for cursor in naive:
            cursor.pull()
        late.commit()
    toy.pull()
    for cursor in naive:
        cursor.pull()

    assert ids(toy) == [2, 1]
    assert [cursor.rows for cursor in naive] == [[2], [2]]


def test_a_savepoint_of_a_late_transaction_is_not_taken_for_a_transaction_that_was_seen(toy: Operation) -> None:
    # Its number lies between the snapshot's xmin and xmax, and the snapshot does not list it as under way.
    with toy.writer() as late:
        late.execute("insert into entries values (1)")
        late.execute("savepoint inner_one")
        late.execute("insert into entries values (2)")
        late.execute("release inner_one")
        toy.run("insert into entries values (3)")
        toy.pull()
        late.commit()
    toy.pull()

    assert ids(toy) == [3, 1, 2]


def test_a_transaction_that_stays_open_holds_nothing_up_and_nothing_is_repeated(toy: Operation) -> None:
    with toy.writer() as forgotten:
        forgotten.execute("insert into entries values (0)")
        for number in range(1, 6):
            toy.run(f"insert into entries values ({number});\ninsert into accounts values ({number}, 1)")
            assert toy.rows_pulled().items() >= {"entries": 1, "accounts": 1}.items()
            assert toy.rows_pulled() == {}
        toy.run("update accounts set balance = 2 where id = 3")
        assert toy.rows_pulled() == {"accounts": 1}
        forgotten.commit()
    assert toy.rows_pulled() == {"entries": 1}
    assert toy.rows_pulled() == {}
    assert ids(toy) == [1, 2, 3, 4, 5, 0]


def test_a_row_dated_in_the_future_stalls_nothing(toy: Operation) -> None:
    naive = NaiveCursor(toy, "at")
    for number, at in enumerate(["2999-01-01", "2026-06-01", "-infinity", "infinity", "0044-03-15 BC"]):
        toy.run(f"insert into entries values ({number}, '{at}')")
        toy.pull()
        naive.pull()

    assert ids(toy) == [0, 1, 2, 3, 4]
    assert naive.rows == [0, 3]


def test_updates_are_caught_whatever_they_touch_and_deletions_change_nothing(toy: Operation) -> None:
    toy.run("insert into accounts select number, number from generate_series(1, 4) as number")
    toy.pull()
    toy.run("update accounts set balance = 20 where id = 2;\nupdate accounts set balance = balance where id = 3")
    toy.run("delete from accounts where id = 4")

    assert toy.rows_pulled() == {"accounts": 2}
    assert {row["id"]: row["balance"] for row in toy.delivered("accounts")} == {1: "1", 2: "20", 3: "3", 4: "4"}


def test_freezing_and_rewriting_a_table_repeats_and_hides_nothing(toy: Operation) -> None:
    toy.run("insert into entries values (1)")
    with toy.writer() as late:
        late.execute("insert into entries values (2)")
        toy.pull()
        late.commit()
    toy.run("vacuum (freeze) entries;\nvacuum (full, freeze) entries;\ncluster entries using entries_pkey")

    assert toy.rows_pulled() == {"entries": 1}
    assert toy.rows_pulled() == {}


def test_a_file_copied_in_frozen_is_read(toy: Operation) -> None:
    toy.run("insert into entries values (1)")
    toy.pull()
    with toy.writer() as writer:
        writer.execute("truncate entries")
        with writer.cursor().copy("copy entries (id) from stdin (freeze)") as copy:
            copy.write_row((2,))
    toy.pull()

    assert ids(toy) == [1, 2]


PARTITIONED = """
    drop table entries;
    create table entries (id bigint, at timestamptz, note text) partition by list (id);
    create table first partition of entries for values in (1, 2);
    create table second (id bigint, at timestamptz, note text);
"""


def test_partitions_that_are_attached_bring_their_old_rows(toy: Operation) -> None:
    toy.run(PARTITIONED)
    toy.run("insert into entries values (1);\ninsert into second values (3)")
    toy.pull()
    assert ids(toy) == [1]
    toy.run("alter table entries attach partition second for values in (3, 4);\ninsert into entries values (2)")
    toy.pull()
    assert sorted(ids(toy)) == [1, 2, 3]
    # Away and back between two pulls: what was there is known, what was written meanwhile is new.
    toy.run("alter table entries detach partition second;\ninsert into second values (4)")
    toy.run("alter table entries attach partition second for values in (3, 4)")
    assert toy.rows_pulled() == {"entries": 1}
    # Away during a pull, written and back: not known any more.
    toy.run("alter table entries detach partition second;\ninsert into second values (3)")
    assert toy.rows_pulled() == {}
    toy.run("alter table entries attach partition second for values in (3, 4)")
    assert toy.rows_pulled() == {"entries": 3}


@pytest.mark.parametrize(
    ("change", "rows"),
    [
        ("create table fresh (like entries);\ninsert into fresh values (7)", 1),
        ("create table fresh (like entries);\ninsert into fresh table entries", 2),
    ],
)
def test_a_table_that_took_the_place_of_another_is_read_whole(toy: Operation, change: str, rows: int) -> None:
    toy.run(f"insert into entries values (1), (2);\n{change}")
    toy.pull()
    toy.run("alter table entries rename to old;\nalter table fresh rename to entries")

    assert toy.rows_pulled() == {"entries": rows}
    assert toy.rows_pulled() == {}


@pytest.mark.parametrize(
    "change",
    [
        "alter table entries drop column note;\nalter table entries add column note text default 'changed'",
        "alter table entries alter column note type varchar(9)",
        "alter type mood rename value 'calm' to 'serene'",
    ],
)
def test_a_column_that_changes_without_a_row_being_written_is_read_again(toy: Operation, change: str) -> None:
    toy.run("create type mood as enum ('calm');\nalter table entries alter column note type mood using 'calm'")
    toy.run("insert into entries values (1, null, 'calm');\nvacuum freeze entries")
    toy.pull()
    toy.run(change)

    assert toy.rows_pulled() == {"entries": 1}
    assert toy.delivered("entries")[-1]["note"] == toy.fetch("select note::text from entries")[0][0]


@dataclass
class Writer:
    """One session of the operational system, which does something at random."""

    toy: Operation
    number: int
    connection: psycopg.Connection
    chance: random.Random
    keys: Iterator[int]

    def act(self) -> None:
        key = next(self.keys)
        # Each session has accounts of its own: none waits for another's lock.
        account = self.number * 10 + self.chance.randrange(3)
        insert = f"insert into entries values ({key}, '2026-06-01'::timestamptz + interval '{key} s')"
        upsert = f"insert into accounts values ({account}, {key}) on conflict (id) do update set balance = {key}"
        inner = [insert, upsert, "release s" if self.chance.random() < 0.7 else "rollback to s"]
        acts = [
            [insert],
            [upsert],
            [insert, upsert],
            ["savepoint s", *inner],
            [f"delete from accounts where id = {account}"],
        ]
        for statement in self.chance.choice(acts):
            self.connection.execute(statement)
        if self.chance.random() < 0.4:
            self.connection.commit()
        elif self.chance.random() < 0.1:
            self.connection.rollback()


@pytest.mark.parametrize("seed", range(4))
def test_no_schedule_of_transactions_loses_or_repeats_a_row_and_naive_cursors_lose_some(
    toy: Operation, seed: int
) -> None:
    chance = random.Random(seed)
    keys = iter(range(1, 10_000))
    naive = [NaiveCursor(toy, "at"), NaiveCursor(toy, "id")]
    connections = [toy.writer() for _ in range(4)]
    writers = [Writer(toy, number, connection, chance, keys) for number, connection in enumerate(connections)]
    for _ in range(25):
        for _ in range(chance.randrange(1, 16)):
            chance.choice(writers).act()
        if chance.random() < 0.2:
            toy.run("vacuum (freeze) entries")
        toy.pull()
        for cursor in naive:
            cursor.pull()
    for connection in connections:
        connection.commit()
        connection.close()
    toy.pull()
    for cursor in naive:
        cursor.pull()

    there = {key for (key,) in toy.fetch("select id from entries")}
    assert len(there) > 50
    assert sorted(ids(toy)) == sorted(there)
    newest = {row["id"]: row["balance"] for row in toy.delivered("accounts")}
    assert {key: newest[key] for (key,) in toy.fetch("select id from accounts")} == dict(
        toy.fetch("select id, balance::text from accounts")
    )
    assert all(there - set(cursor.rows) for cursor in naive)


HERE = Incarnation("7", 5, "2026-06-01", "2026-06-01")
BEFORE = Cursor("2026-06-01T00:00:00Z", HERE, Snapshot(100, 120), {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "snapshot", "words"),
    [
        (HERE, Snapshot(100, 120), None),
        (HERE, Snapshot(119, 2_000_000_099), None),
        (HERE, Snapshot(119, 2_000_000_100), "too many transactions"),
        (HERE, Snapshot(100, 119), "earlier point"),
        (Incarnation("8", 5, "2026-06-01", "2026-06-01"), Snapshot(100, 120), "another server"),
        (Incarnation("7", 6, "2026-06-01", "2026-06-01"), Snapshot(100, 120), "another server"),
        (Incarnation("7", 5, "2026-06-02", "2026-06-01"), Snapshot(100, 120), "restarted"),
        (Incarnation("7", 5, "2026-06-01", "2026-06-02"), Snapshot(100, 120), "restarted"),
    ],
)
def test_numbers_are_compared_only_where_they_mean_the_same(
    source: Incarnation, snapshot: Snapshot, words: str | None
) -> None:
    reason = why_whole(BEFORE, source, snapshot)

    assert (reason is None) if words is None else (words in str(reason))


def test_what_was_seen_is_kept_while_a_transaction_is_open_and_forgotten_where_it_might_mislead() -> None:
    known = TableCursor((), (), seen=(90, 104, 107))

    assert transactions_seen({99, 100, 103, 110}, known, Snapshot(100, 110)) == (100, 103, 104, 107)
    assert transactions_seen({99, 100}, known, Snapshot(120, 120)) == ()
    # Once numbers repeat, an old frozen row may bear the number of a transaction that is open now.
    assert transactions_seen({100, 103}, None, Snapshot(100, FIRST_ROUND)) == ()
    many = Snapshot(0, 2 * REMEMBERED_TRANSACTIONS)
    assert transactions_seen(set(range(REMEMBERED_TRANSACTIONS + 1)), None, many) == ()


def test_a_pull_of_another_database_brings_everything(toy: Operation) -> None:
    toy.run("insert into entries values (1)")
    assert toy.pull().why_whole == "nothing was pulled before"
    assert toy.pull().why_whole is None
    path = toy.landing / "toy" / "_pull" / "cursor.json"
    cursor = json.loads(path.read_text(encoding="utf-8"))
    cursor["source"]["system"] = "4711"
    path.write_text(json.dumps(cursor), encoding="utf-8")
    again = toy.pull()

    assert "another server" in str(again.why_whole)
    assert ids(toy) == [1, 1]
