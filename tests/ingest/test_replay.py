"""Refused rows, their contract mended, once more: the warehouse is as if the contract had always been right."""

import io
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.contract import read_contract
from ingest.quarantine import Selection
from ingest.replay import LeftBehind, left_behind, replay_rows
from ingest.schema import ensure_schemas
from ingest.settings import SHIPPED_CONTRACTS
from tests.conftest import _fresh
from tests.ingest.shop import MENDED, MODES, Shop, Store, opened, row
from tests.ingest.zone import Zone, counts, ndjson

FORMATS = ("ndjson", "csv", "parquet")
NASTY = 'two\r\nlines, "quoted" \\ and é'
NARROW = Shop()

# Each but the first breaks the narrow contract in its own way and fits the mended one.
REFUSED: list[dict[str, Any]] = [
    {"kind": "huge"},
    {"amount": 2**40},
    {"amount": -3},
    {"title": NASTY},
    {"kind": "huge", "title": "", "payload": {"big": 2**70, "exact": [0.1, 1e300]}},
]
HOPELESS = {"kind": "odd"}


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    """A shop whose contract is too narrow yet."""
    with opened(database, tmp_path / "narrow", tmp_path / "landing") as found:
        found.agree(NARROW)
        yield found


@pytest.fixture
def other(server_conninfo: str, template: str, tmp_path: Path) -> Iterator[Store]:
    """Another warehouse of the same landing zone, whose contract was right from the start."""
    for database in _fresh(server_conninfo, template):
        with opened(database, tmp_path / "right", tmp_path / "landing") as found:
            found.agree(MENDED)
            yield found


def written(rows: list[dict[str, Any]], kind: str) -> bytes:
    """The rows in a format; parquet has types of its own, and JSON as text, as Postgres exports it."""
    if kind == "ndjson":
        return ndjson(*rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    texts = [{name: row.get(name) for name in names} for row in rows]
    types: dict[str, Any] = {"amount": pl.Int64, "tags": pl.List(pl.String)}
    for text in texts:
        text["payload"] = json.dumps(text["payload"])
        if kind == "csv":
            text["tags"] = "{" + ",".join(json.dumps(tag) for tag in text["tags"]) + "}"
    if kind == "csv":
        frame = pl.DataFrame(texts, schema={name: pl.Int64 if name == "amount" else pl.String for name in names})
        return frame.write_csv(quote_style="non_numeric", line_terminator="\r\n").encode()
    frame = pl.DataFrame(texts, schema={name: types.get(name, pl.String) for name in names})
    exact = {"at": pl.Datetime("ns", "UTC"), "updated_at": pl.Datetime("us", "UTC"), "surprise": pl.Decimal(10, 2)}
    buffer = io.BytesIO()
    frame.with_columns(
        pl.col(name).str.to_datetime(time_unit=to.time_unit, time_zone="UTC")
        if name != "surprise"
        else pl.col(name).cast(to)
        for name, to in exact.items()
        if name in names
    ).write_parquet(buffer)
    return buffer.getvalue()


def delivery(table: str, first: int) -> list[dict[str, Any]]:
    more = {"updated_at": "2026-06-01T00:00:00Z"} if table == "people" else {}
    return [row(first + number, **changes, **more) for number, changes in enumerate(({}, *REFUSED, {"title": None}))]


def test_after_a_replay_the_warehouse_is_as_if_the_contract_had_always_been_right(store: Store, other: Store) -> None:
    for number, (table, kind) in enumerate((table, kind) for table in MODES for kind in FORMATS):
        rows = delivery(table, 100 * number)
        store.zone.deliver(f"shop.{table}", written(rows, kind), name=f"a.{kind}")
        rows = [one | {"surprise": "1.50"} for one in delivery(table, 100 * number + 50)]
        store.zone.deliver(f"shop.{table}", written(rows, kind), name=f"b.{kind}")
    refused = store.zone.load()
    other.zone.load()
    assert {load.rows_rejected for load in refused} == {len(REFUSED), len(rows)}

    store.agree(MENDED)
    replays = store.replay()

    assert sum(done.accepted for done in replays) == sum(load.rows_rejected for load in refused)
    assert store.tables() == other.tables()
    assert store.tables()["quarantine"] == []


def test_a_second_replay_changes_nothing(store: Store) -> None:
    store.zone.deliver("shop.notes", ndjson(row(1, kind="huge"), row(2, **HOPELESS)))
    store.zone.load()
    store.agree(MENDED)
    assert [(done.accepted, done.still_rejected) for done in store.replay()] == [(1, 1)]
    before = store.zone.fetch("select xmin, * from ingest.loads"), store.zone.fetch("select raw from ingest.quarantine")

    assert [(done.accepted, done.still_rejected) for done in store.replay()] == [(0, 1)]
    after = store.zone.fetch("select xmin, * from ingest.loads"), store.zone.fetch("select raw from ingest.quarantine")
    assert after == before


def test_a_row_that_still_does_not_fit_stays_with_the_rule_it_breaks_now(store: Store, other: Store) -> None:
    rows = [row(1, kind="huge", amount="many"), row(2, kind="huge"), row(3, **HOPELESS)]
    store.zone.deliver("shop.people", b"{not json}\n" + ndjson(*rows))
    store.zone.load()
    other.zone.load()
    assert store.zone.quarantine() == [(1, "rejected", "json"), *((line, "rejected", "enum") for line in (2, 3, 4))]

    store.agree(MENDED)
    store.replay()
    assert store.zone.quarantine() == [(1, "rejected", "json"), (2, "rejected", "type"), (4, "rejected", "enum")]
    assert store.tables() == other.tables()


def test_only_the_rows_that_are_chosen_are_replayed(store: Store) -> None:
    store.zone.deliver("shop.notes", ndjson(row(1, kind="huge"), row(2, amount=-1), row(3, title=NASTY)))
    store.zone.deliver("shop.labels", ndjson(row(1, kind="huge")))
    store.zone.load()
    store.agree(MENDED)
    key = store.zone.fetch("select quarantine_id from ingest.quarantine where rule = 'length'")[0][0]

    assert [done.rows for done in store.replay(table="notes", rule="enum")] == [1]
    assert [done.rows for done in store.replay(ids=(key,))] == [1]
    assert store.replay(system="shop", rule="type") == []
    assert sorted(store.zone.fetch("select table_name, rule from ingest.quarantine")) == [
        ("labels", "enum"),
        ("notes", "bounds"),
    ]


def test_a_csv_is_replayed_by_records_whatever_lines_they_take_up(store: Store) -> None:
    head = b'\xef\xbb\xbfid,"kind",amount,title,tags,payload,at\r\n\r\n'
    good = b'%b,%b,5,"%b",,,2026-05-01T00:00:00Z\r\n'
    broken = [b'4,"sm"all,5\r\n', b"5,\xff,5,,,,2026-05-01T00:00:00Z\r\n", b'9,huge,5,"never closed\r\n']
    rows = [good % (b"1", b"huge", b"a\nb\nc"), broken[0], good % (b"2", b"odd", b"x\n\ny"), broken[1]]
    content = head + b"".join([*rows, good % (b"3", b"huge", b""), broken[2]])
    store.zone.deliver("shop.notes", content, name="part.csv")
    store.zone.load()
    store.agree(MENDED)
    store.replay()

    assert store.zone.fetch("select id, title from raw_shop.notes order by id") == [("1", "a\nb\nc"), ("3", "")]
    assert store.zone.quarantine() == [
        (6, "rejected", "csv"),
        (7, "rejected", "enum"),
        (10, "rejected", "utf8"),
        (12, "rejected", "csv"),
    ]
    assert store.zone.fetch("select header from ingest.loads") == [(head.removesuffix(b"\r\n"),)]


def test_the_mark_that_a_file_begins_with_is_taken_off_its_first_line_only(store: Store) -> None:
    mark = b"\xef\xbb\xbf"
    store.zone.deliver("shop.notes", mark + ndjson(row(1, kind="huge")), name="a.ndjson")
    store.zone.deliver("shop.notes", ndjson(row(2)) + mark + ndjson(row(3, kind="huge")), name="b.ndjson")
    store.zone.load()
    store.agree(MENDED)
    store.replay()

    assert store.zone.fetch("select id from raw_shop.notes order by id") == [("1",), ("2",)]
    assert store.zone.quarantine() == [(2, "rejected", "json")]


def test_a_row_that_came_right_in_the_meantime_is_a_duplicate_and_another_a_conflict(store: Store) -> None:
    store.zone.deliver("shop.sales", ndjson(row(1, kind="huge"), row(2, kind="huge")))
    (load,) = store.zone.load()
    store.agree(MENDED)
    store.zone.deliver("shop.sales", ndjson(row(1, kind="huge"), row(2, amount=6)), day="2026-06-02")
    store.zone.load()
    (done,) = store.replay()

    assert (done.accepted, done.duplicates, done.conflicts, done.still_rejected) == (0, 1, 1, 0)
    assert store.zone.fetch("select id, amount, _load_id from raw_shop.sales order by id") == [("1", 5, 2), ("2", 6, 2)]
    assert store.zone.quarantine() == [(2, "conflict", "conflict")]
    assert store.zone.fetch(
        "select rows_duplicate, rows_conflict, rows_rejected from ingest.loads order by 1 desc"
    ) == [
        (1, 1, 0),
        (0, 0, 0),
    ]
    assert load.rows_rejected == 2


def test_a_conflict_is_never_replayed(store: Store) -> None:
    store.zone.deliver("shop.sales", ndjson(row(1), row(1, amount=6)))
    store.zone.load()

    assert store.replay() == []
    assert left_behind(store.connection, Selection()) == LeftBehind(conflicts=1, not_kept=0)
    assert store.zone.quarantine() == [(2, "conflict", "conflict")]


def test_a_row_of_a_delivery_that_was_replaced_does_not_rise_again(store: Store, other: Store) -> None:
    store.zone.deliver("shop.prices", ndjson(row(1), row(2, kind="huge")))
    store.zone.deliver("shop.prices", ndjson(row(1, amount=6), row(3, kind="huge")), day="2026-06-02")
    store.zone.load()
    other.zone.load()
    store.agree(MENDED)

    assert [(done.accepted, done.duplicates) for done in store.replay()] == [(0, 1), (1, 0)]
    assert store.zone.fetch("select id, amount, _load_id from raw_shop.prices order by id") == [
        ("1", 6, 2),
        ("3", 5, 2),
    ]
    assert store.tables()["raw_shop.prices"] == other.tables()["raw_shop.prices"]


def test_of_two_rows_of_one_file_the_later_stands_however_late_the_other_fits(store: Store, other: Store) -> None:
    lines = [row(1, title="very first", kind="huge"), row(1, kind="huge"), row(1, title="third"), row(2)]
    lines += [row(2, kind="huge", title="last of all"), row(2, **HOPELESS)]
    for kind in FORMATS:
        store.zone.deliver(
            "shop.labels", written([one | {"id": f"{kind}{one['id']}"} for one in lines], kind), f"a.{kind}"
        )
    store.zone.load()
    other.zone.load()
    # Mended step by step: each step must know what stood before it.
    store.agree(Shop(kinds=(*NARROW.kinds, "huge")))
    store.replay()
    store.agree(MENDED)
    store.replay()

    titles = store.zone.fetch("select id, title from raw_shop.labels order by id")
    assert {title for _, title in titles} == {"third", "last of all"}
    assert store.tables()["raw_shop.labels"] == other.tables()["raw_shop.labels"]


def test_a_file_mended_in_place_stays_the_newer_one(store: Store, other: Store) -> None:
    for content in (ndjson(row(1, kind="huge", title="old")), ndjson(row(1, title="new"))):
        store.zone.deliver("shop.labels", content)
        store.zone.load()
        other.zone.load()
    store.agree(MENDED)
    (done,) = store.replay()

    assert (done.accepted, done.duplicates) == (0, 1)
    assert store.zone.fetch("select title from raw_shop.labels") == [("new",)]
    assert store.tables()["raw_shop.labels"] == other.tables()["raw_shop.labels"]


def test_rows_that_were_not_kept_as_delivered_are_counted_and_left(store: Store) -> None:
    store.zone.deliver("shop.notes", written([row(1, kind="huge"), row(2, kind="huge")], "csv"), "a.csv")
    store.zone.deliver("shop.labels", ndjson(row(1, kind="huge")))
    store.zone.load()
    store.connection.execute("update ingest.loads set header = null")
    store.connection.execute("update ingest.quarantine set raw = null where table_name = 'labels'")
    store.agree(MENDED)

    assert store.replay() == []
    assert left_behind(store.connection, Selection()) == LeftBehind(conflicts=0, not_kept=3)
    assert left_behind(store.connection, Selection(table="labels")) == LeftBehind(conflicts=0, not_kept=1)


def test_rows_of_a_table_that_no_contract_describes_any_more_stay(store: Store) -> None:
    store.zone.deliver("shop.notes", ndjson(row(1, kind="huge")))
    store.zone.load()
    (done,) = replay_rows(store.connection, (), Selection())

    assert done.reason == "no contract describes the table any more"
    assert store.zone.quarantine() == [(1, "rejected", "enum")]


def test_replays_at_the_same_time_load_every_row_once(store: Store, database: str) -> None:
    for kind in FORMATS:
        rows = [row(f"{kind}{key}", kind="huge") for key in range(200)]
        store.zone.deliver("shop.sales", written(rows, kind), f"a.{kind}")
    store.zone.load()
    store.agree(MENDED)

    def replay() -> int:
        with psycopg.connect(database) as connection:
            return sum(done.accepted for done in replay_rows(connection, store.zone.systems, Selection()))

    with ThreadPoolExecutor(4) as pool:
        accepted = sum(done.result() for done in [pool.submit(replay) for _ in range(4)])
    assert accepted == 600
    assert store.zone.fetch("select count(*), count(distinct id) from raw_shop.sales") == [(600, 600)]
    assert store.zone.fetch("select sum(rows_accepted), sum(rows_rejected) from ingest.loads") == [(600, 0)]


# Replays everything, and dies at the named step of the first load.
REPLAYER = """
import os, signal, sys
import psycopg
import ingest.replay as replay
from ingest.contract import read_contract
from ingest.quarantine import Selection
from pathlib import Path

database, contract, step, moment = sys.argv[1:]
original = getattr(replay, step)

def dying(*arguments):
    if moment == "after":
        original(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(replay, step, dying)
with psycopg.connect(database) as connection:
    replay.replay_rows(connection, [read_contract(Path(contract))], Selection())
"""


@pytest.mark.parametrize(
    ("step", "moment"), [("stage", "after"), ("merge", "after"), ("_settle", "before"), ("_settle", "after")]
)
def test_a_replay_that_is_killed_has_replayed_a_load_whole_or_not_at_all(
    store: Store, database: str, step: str, moment: str
) -> None:
    for name in ("a.ndjson", "b.ndjson"):
        store.zone.deliver("shop.sales", ndjson(*(row(f"{name}{key}", kind="huge") for key in range(20))), name)
    store.zone.load()
    store.agree(MENDED)
    before = store.tables()
    command = [sys.executable, "-c", REPLAYER, database, str(store.folder / "shop.odcs.yaml"), step, moment]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL

    assert store.tables() == before
    assert [done.accepted for done in store.replay()] == [20, 20]


def test_a_replay_that_dies_between_two_loads_has_replayed_one_of_them(store: Store, database: str) -> None:
    for name in ("a.ndjson", "b.ndjson"):
        store.zone.deliver("shop.sales", ndjson(row(name, kind="huge")), name)
    store.zone.load()
    store.agree(MENDED)

    def die(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay_rows(store.connection, store.zone.systems, Selection(), on_load=die)
    with psycopg.connect(database) as another:
        assert another.execute("select id from raw_shop.sales").fetchall() == [("a.ndjson",)]
    assert [done.accepted for done in store.replay()] == [1]


def test_restricted_values_are_not_kept_and_the_row_is_replayed_without_them(zone: Zone, tmp_path: Path) -> None:
    shipped = (SHIPPED_CONTRACTS / "storyforge.odcs.yaml").read_text(encoding="utf-8")
    assert shipped.count("[user, moderator, admin]") == 1
    mended = tmp_path / "storyforge.odcs.yaml"
    mended.write_text(shipped.replace("[user, moderator, admin]", "[user, moderator, admin, robot]"), encoding="utf-8")
    user = {
        "id": "00000000-0000-0000-0000-000000000001",
        "username": "r2",
        "email": "r2@example.com",
        "password_hash": "secret",
        "role": "robot",
        "email_verified": True,
        "is_active": True,
        "created_at": "2026-05-01T00:00:00Z",
        "updated_at": "2026-05-01T00:00:00Z",
    }
    zone.deliver("storyforge.users", ndjson(user))
    zone.deliver("storyforge.users", b'{"email": "a@b.c", "email": "d@e.f"}\n', name="twice.ndjson")
    zone.load()
    assert zone.fetch("select count(*) from ingest.quarantine where raw is null") == [(1,)]
    (kept,) = zone.fetch("select convert_from(raw, 'utf8') from ingest.quarantine where raw is not null")
    assert json.loads(kept[0]) == {name: user[name] for name in user if name not in ("email", "password_hash")}

    zone.systems = (read_contract(mended),)
    zone.connection.commit()
    ensure_schemas(zone.connection, zone.systems)
    replay_rows(zone.connection, zone.systems, Selection())
    assert zone.fetch("select role from raw_storyforge.users") == [("robot",)]


# --- any deliveries at all ------------------------------------------------------------------------------------------

DAYS = ("2026-06-01", "2026-06-02")
VERSIONS = [{}, *REFUSED, HOPELESS, {"at": None}]


def fixed_by_key(key: int) -> dict[str, Any]:
    """In an append table a key has one content for ever."""
    return row(key, **[{}, *REFUSED, HOPELESS][key % 7])


@st.composite
def versions(draw: st.DrawFn, table: str) -> dict[str, Any]:
    version = row(draw(st.integers(1, 3)), **draw(st.sampled_from(VERSIONS)))
    if draw(st.booleans()):
        version["title"] = draw(st.sampled_from(["other", "much too long a title", None]))
    if table == "people":
        version["updated_at"] = draw(st.sampled_from([None, "2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z"]))
    return version


@st.composite
def deliveries(draw: st.DrawFn, table: str) -> tuple[str, str, str, bytes]:
    kind = draw(st.sampled_from(FORMATS))
    one = st.integers(1, 12).map(fixed_by_key) if MODES[table] == "append" else versions(table)
    rows = draw(st.lists(one, min_size=1, max_size=8))
    name = f"{draw(st.sampled_from('ab'))}.{kind}"
    return table, draw(st.sampled_from(DAYS)), name, written(rows, kind)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, str, str, bytes]]:
    return draw(st.lists(st.sampled_from(sorted(MODES)).flatmap(deliveries), min_size=2, max_size=8))


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(), steps=st.sampled_from([(MENDED,), (Shop(kinds=(*NARROW.kinds, "huge")), MENDED)]))
def test_any_history_replayed_equals_the_same_history_under_the_right_contract(
    store: Store, other: Store, history: list[tuple[str, str, str, bytes]], steps: tuple[Shop, ...]
) -> None:
    store.empty(NARROW)
    other.empty(MENDED)
    for table, day, name, content in history:
        store.zone.deliver(f"shop.{table}", content, name=name, day=day)
        store.zone.load()
        other.zone.load()
    for step in steps:
        store.agree(step)
        store.replay()

    replayed, right = store.tables(), other.tables()
    for name in (f"raw_shop.{table}" for table in MODES):
        assert replayed[name] == right[name]
    assert replayed["keys"] == right["keys"]
    # An older version is not accepted where a newer one stands already, so only append tables count alike.
    assert store.counts(["sales", "notes"]) == other.counts(["sales", "notes"])
    assert store.zone.fetch(
        "select load_id, rows_read, rows_rejected from ingest.loads order by 1"
    ) == other.zone.fetch("select load_id, rows_read, rows_rejected from ingest.loads order by 1")
    refused = "select load_id, line, outcome, rule, reason, raw from ingest.quarantine order by 1, 2"
    assert store.zone.fetch(refused) == other.zone.fetch(refused)


def test_counts_are_those_of_the_rows(store: Store) -> None:
    store.zone.deliver("shop.people", ndjson(row(1, updated_at=None), row(1, kind="huge", updated_at=None)))
    (load,) = store.zone.load()
    store.agree(MENDED)
    store.replay()

    assert counts(load) == (2, 1, 0, 0, 1)
    assert store.counts(["people"]) == [(1, 2, 2, 0, 0, 0)]
