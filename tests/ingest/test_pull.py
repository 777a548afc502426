"""From a live database to the raw tables: the same rows with the same values, each time and as of one instant."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import psycopg
import pytest

from ingest import pull
from ingest.contract import System, read_contract
from ingest.errors import ConfigurationError
from tests.ingest.operational import FUNPOT, STORYFORGE, Operation, content
from tests.ingest.zone import Zone


def test_a_pull_brings_all_rows_at_first_and_then_what_is_new(toy: Operation) -> None:
    toy.run("insert into entries values (1, now(), 'a'), (2, null, null);\ninsert into accounts values (1, 5)")

    assert toy.rows_pulled() == {"entries": 2, "accounts": 1, "rates": 0}
    assert toy.rows_pulled() == {}
    toy.run("insert into entries values (3, now(), 'b');\nupdate accounts set balance = 6")
    assert toy.rows_pulled() == {"entries": 1, "accounts": 1}
    assert [row["id"] for row in toy.delivered("entries")] == [1, 2, 3]


def test_files_lie_under_the_day_of_the_pull_in_universal_time(toy: Operation) -> None:
    before = datetime.now(UTC).date()
    done = toy.pull()
    days = {f"date={day}" for day in (before, datetime.now(UTC).date())}

    (rates,) = [table for table in done.tables if table.files]
    (file,) = rates.files
    assert file.split("/")[:2] == ["toy", "rates"]
    assert file.split("/")[2] in days
    assert (toy.landing / file).is_file()


TEXTS = [
    "",
    " ",
    "\\N",
    "\\.",
    "NULL",
    '"',
    '""',
    'a"b',
    "\n",
    "\r",
    "\r\n",
    "a,b",
    ",",
    "'",
    "\\",
    "é",
    "\U0001f3c6",
    "\t",
]


def test_texts_come_as_they_are_whatever_is_in_them(toy: Operation) -> None:
    chance = random.Random(7)
    texts = [*TEXTS, *("".join(chance.choices(TEXTS, k=chance.randrange(1, 12))) for _ in range(20_000)), None]
    with toy.writer() as writer, writer.cursor().copy("copy entries (id, note) from stdin") as copy:
        for number, text in enumerate(texts):
            copy.write_row((number, text))
    toy.pull()

    assert [row["note"] for row in sorted(toy.delivered("entries"), key=lambda row: row["id"])] == texts


def test_a_row_of_one_null_is_a_row(toy: Operation) -> None:
    # It prints as an empty line.
    path = toy.system.path
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line for line in lines if "name: value" not in line), encoding="utf-8")
    toy.run("alter table rates rename to kept;\ncreate view rates as select null::text as key")

    assert replace(toy, system=read_contract(path)).rows_pulled() == {"rates": 1}
    assert toy.delivered("rates") == [{"key": None}]


def test_rows_that_read_as_fewer_or_more_than_were_sent_stop_the_pull(
    toy: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_csv = pl.read_csv
    monkeypatch.setattr(pl, "read_csv", lambda *words, **options: read_csv(*words, **options).head(1))
    toy.run("insert into entries values (1), (2)")
    with pytest.raises(ConfigurationError, match=r"sent 2 rows of toy\.entries that read as 1"):
        toy.pull()
    assert toy.files("entries") == []


def test_numbers_and_instants_keep_every_digit_and_instants_beyond_parquet_travel_as_text(toy: Operation) -> None:
    numbers = ["0.1000", "1e-20", "99999999999999999999999999999999999999.000000000000000000001", "-5", "NaN", None]
    for number, balance in enumerate(numbers):
        toy.connection.execute("insert into accounts values (%s, %s)", (2**63 - 1 - number, balance))
    toy.run("insert into entries values (1, '2026-06-01 02:03:04.000005+02'), (2, '0001-01-01 00:00+00'), (3, null)")
    toy.pull()
    toy.run("insert into entries values (4, 'infinity'), (5, '12026-01-01 00:00+00'), (6, '2026-06-01 00:00+00')")
    toy.pull()

    delivered = {row["id"]: row["balance"] for row in toy.delivered("accounts")}
    assert delivered == dict(toy.fetch("select id, balance::text from accounts"))
    first, second = (pl.read_parquet(path) for path in toy.files("entries"))
    assert first.schema["at"] == pl.Datetime("us", "UTC")
    assert first.sort("id")["at"].to_list() == [
        datetime(2026, 6, 1, 0, 3, 4, 5, UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        None,
    ]
    assert second.sort("id")["at"].to_list() == ["infinity", "12026-01-01 00:00:00+00", "2026-06-01 00:00:00+00"]


def test_all_tables_are_read_as_of_one_instant_with_no_lock_that_anyone_waits_for(toy: Operation) -> None:
    toy.run("insert into entries values (1);\ninsert into accounts values (1, 1)")
    locks: set[str] = set()
    writing: set[bool] = set()

    def write_meanwhile(_: pull.TablePull) -> None:
        held = "select mode from pg_locks join pg_stat_activity using (pid) where application_name = 'tally pull'"
        locks.update(
            mode for (mode,) in toy.fetch(f"{held} and locktype = 'relation' and datname = current_database()")
        )
        mine = "select backend_xid is not null from pg_stat_activity where application_name = 'tally pull'"
        writing.update(wrote for (wrote,) in toy.fetch(f"{mine} and datname = current_database()"))
        if toy.fetch("select count(*) from entries") == [(1,)]:
            toy.run(
                "insert into entries values (2);\ninsert into accounts values (2, 2);\ninsert into rates values ('a')"
            )

    done = pull.pull(toy.conninfo, toy.system, toy.landing, on_table=write_meanwhile)

    assert {table.table: table.rows for table in done.tables} == {"entries": 1, "accounts": 1, "rates": 0}
    assert locks == {"AccessShareLock"}
    assert writing == {False}
    assert toy.rows_pulled() == {"entries": 1, "accounts": 1, "rates": 1}


def test_a_table_that_is_emptied_and_filled_while_a_pull_begins_is_not_found_empty(toy: Operation) -> None:
    # Emptying shows in every snapshot at once, the new rows only in later ones.
    toy.run("insert into rates values ('old')")
    with toy.writer() as filling, ThreadPoolExecutor(1) as pulling:
        filling.execute("truncate rates")
        filling.execute("insert into rates values ('new')")
        pulled = pulling.submit(toy.pull)
        while not toy.fetch(
            "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        ):
            assert not pulled.done()
        filling.commit()
        pulled.result()

    assert [row["key"] for row in toy.delivered("rates")] == ["new"]


def set_back(toy: Operation, table: str, day: str) -> None:
    """Make the last delivery of a table, and the pull it was part of, one of an earlier day."""
    path = toy.landing / "toy" / "_pull" / "cursor.json"
    cursor = json.loads(path.read_text(encoding="utf-8"))
    cursor["stamp"] = f"{day}T12:00:00Z"
    cursor["tables"][table]["delivered_on"] = day
    path.write_text(json.dumps(cursor), encoding="utf-8")
    today = toy.files(table)[-1].parent
    today.rename(today.with_name(f"date={day}"))


def test_a_replaced_table_comes_whole_when_its_content_is_not_that_of_the_last_delivery(toy: Operation) -> None:
    toy.run("insert into rates values ('a', '1'), ('b', '1')")
    assert toy.rows_pulled() == {"rates": 2}
    toy.run("update rates set value = '1' where key = 'a'")
    assert toy.rows_pulled() == {}
    toy.run("update rates set value = '2' where key = 'a'")
    assert toy.rows_pulled() == {"rates": 2}
    toy.run("delete from rates")
    assert toy.rows_pulled() == {"rates": 0}
    assert toy.rows_pulled() == {}


def test_a_replaced_table_that_changed_within_a_day_comes_again_the_next_day_and_then_no_more(toy: Operation) -> None:
    # Loading lets all deliveries of a day stand together, so only one that is alone on its day takes rows away.
    toy.run("insert into rates values ('a', '1'), ('b', '1')")
    toy.pull()
    toy.run("delete from rates where key = 'b'")
    assert toy.rows_pulled() == {"rates": 1}
    set_back(toy, "rates", "2026-06-01")
    assert toy.rows_pulled() == {"rates": 1}
    set_back(toy, "rates", "2026-06-02")
    assert toy.rows_pulled() == {}


def test_a_view_is_read_whole_and_delivered_when_it_changed(toy: Operation) -> None:
    toy.run("alter table entries rename to kept;\ncreate view entries as select id, at, note from kept")
    toy.run("insert into kept values (1)")
    assert toy.rows_pulled() == {"entries": 1, "rates": 0}
    assert toy.rows_pulled() == {}
    toy.run("insert into kept values (2)")
    assert toy.rows_pulled() == {"entries": 2}


@pytest.fixture
def operation(
    request: pytest.FixtureRequest, source: str, sample_database: str, systems: tuple[System, ...], tmp_path: Path
) -> Operation:
    """One of the five systems in operation, filled with the sample."""
    name, ddl = request.param
    system = next(system for system in systems if system.name == name)
    with psycopg.connect(source, autocommit=True, options="-c timezone=UTC") as connection:
        operation = Operation(system, source, tmp_path / "landing", connection)
        operation.run(ddl)
        with psycopg.connect(sample_database) as sample:
            for table in system.tables:
                columns = ", ".join(f'"{column.name}"' for column in table.columns)
                rows = f"copy (select {columns} from raw_{name}.{table.name}) to stdout"
                target = f"copy {table.name} ({columns}) from stdin"
                with (
                    sample.cursor().copy(rows.encode()) as copy_out,
                    connection.cursor().copy(target.encode()) as copy_in,
                ):
                    for data in copy_out:
                        copy_in.write(data)
        yield operation


def assert_raw_equals_source(zone: Zone, operation: Operation) -> None:
    for table in operation.system.tables:
        there = content(operation.connection, "public", table)
        assert content(zone.connection, f"raw_{operation.system.name}", table) == there, table.name


CHANGES = {
    "funpot": """
        insert into users values ('00000000-0000-0000-0000-000000000001', 9223372036854775807, E'new\\n"one"', 'en',
            '{"a b","c,d",NULL,"\\"q\\\\"}', '2026-06-30 10:00:00.000001+00');
        insert into wallet_ledger (id, user_id, type, amount_int, reason, created_at)
            values (gen_random_uuid(), '00000000-0000-0000-0000-000000000001', 'credit', 9007199254740993, 'reward',
            '2026-06-30 10:00+00');
        update wallet_accounts set balance_int = balance_int + 1;
        update games set rules_json = '{"fee_bps": 123456789012345678901234567890, "odds": 0.10}' where end_at is null;
        update config set value_json = '1e2'
    """,
    "storyforge": """
        update jobs set created_at = created_at + interval '1 hour', progress = 100 where status = 'failed';
        update ideas set tags = '{}' where tags is not null;
        update scene_summaries set segments_covered = segments_covered || 7;
        create table segments_2026_07 partition of segments for values from ('2026-07-01') to ('2026-08-01');
        update segments set created_at = '2026-07-01 00:00+00', file_size = 9223372036854775807
            where id in (select id from segments order by id limit 3);
        insert into oauth_accounts select gen_random_uuid(), id, 't0ken' from users
    """,
}


@pytest.mark.parametrize(
    "operation", [("funpot", FUNPOT), ("storyforge", STORYFORGE)], ids=lambda it: it[0], indirect=True
)
def test_what_was_pulled_and_loaded_is_what_the_source_holds(operation: Operation, zone: Zone) -> None:
    zone.root = operation.landing
    operation.pull()
    zone.load()
    assert_raw_equals_source(zone, operation)
    assert not any(table.files for table in operation.pull().tables)
    assert zone.load() == []

    with operation.writer() as late:
        statement = "insert into users (id, created_at) values (gen_random_uuid(), '2026-01-01')"
        if operation.system.name == "storyforge":
            statement = "update users set bio = 'late', updated_at = now()"
        late.execute(statement.encode())
        operation.run(CHANGES[operation.system.name])
        changed = {table.table for table in operation.pull().tables if table.files}
        zone.load()
        late.commit()
    assert "users" not in changed or operation.system.name == "funpot"
    assert [table.table for table in operation.pull().tables if table.files] == ["users"]
    loads = zone.load()
    assert_raw_equals_source(zone, operation)
    assert {load.rows_rejected + load.rows_conflict for load in loads} == {0}
    assert not any(table.files for table in operation.pull().tables)
