"""What a pull needs of its source and says when it is missing: rights, tables, columns, an answer. It reads only."""

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ingest.errors import ConfigurationError, DatabaseUnreachableError
from ingest.pull import pull
from ingest.pull_cursor import Snapshot
from tests.conftest import Warehouse
from tests.ingest.operational import TOY, Operation, toy_system

SESAME = "0pen-sesame"


@pytest.fixture
def reader(toy: Operation) -> Iterator[str]:
    """A role that may do nothing yet."""
    name = f"reader_of_{toy.connection.info.dbname}"
    toy.run(f"create role {name} login password '{SESAME}'")
    yield name
    toy.run(f"drop owned by {name};\ndrop role {name}")


def as_role(toy: Operation, role: str) -> Operation:
    return replace(toy, conninfo=make_conninfo(toy.conninfo, user=role, password=SESAME))


def test_select_on_the_tables_is_all_a_pull_needs(toy: Operation, reader: str) -> None:
    toy.run(f"grant select on entries, accounts, rates to {reader};\ninsert into entries values (1)")
    as_reader = as_role(toy, reader)

    assert as_reader.rows_pulled() == {"entries": 1, "rates": 0}
    toy.run("insert into accounts values (1)")
    assert as_reader.rows_pulled() == {"accounts": 1}


def test_what_is_restricted_or_private_need_not_be_readable_and_is_not_asked_for(toy: Operation, reader: str) -> None:
    toy.run("insert into accounts values (1, 5, 's3cret');\ninsert into vault values (1)")
    toy.run(f"grant select on entries to {reader};\ngrant select (key, value) on rates to {reader}")
    with pytest.raises(ConfigurationError) as refused:
        as_role(toy, reader).pull()
    (sentence,) = str(refused.value).splitlines()
    grant = re.search(r"grant .*;", sentence)
    assert grant is not None
    assert grant[0] == f"grant select (xmin, tableoid, id, balance) on public.accounts to {reader};"
    toy.run(grant[0].rstrip(";"))

    assert as_role(toy, reader).rows_pulled() == {"accounts": 1, "rates": 0}
    assert toy.delivered("accounts") == [{"id": 1, "balance": "5"}]
    assert not (toy.landing / "toy" / "vault").exists()
    assert b"s3cret" not in b"".join(path.read_bytes() for path in toy.landing.rglob("*") if path.is_file())


def test_rights_that_are_missing_are_named_with_the_grants_that_give_them(toy: Operation, reader: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        as_role(toy, reader).pull()
    sentences = str(refused.value).splitlines()
    assert len(sentences) == 3
    assert f"{reader} may not read public.entries (xmin, tableoid, id, at, note)" in sentences[0]
    for sentence in sentences:
        toy.run(sentence.partition(": ")[2].rstrip(";"))

    assert as_role(toy, reader).rows_pulled() == {"rates": 0}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("drop table accounts", r"no table accounts in its search path \(\"\$user\", public\)"),
        ("alter table entries drop column note, drop column at", r"public\.entries lacks columns .* \(at, note\)"),
        ("alter table entries alter column at type timestamp", r"public\.entries\.at has no time zone"),
    ],
)
def test_what_the_source_lacks_is_one_sentence_and_nothing_is_delivered(
    toy: Operation, change: str, sentence: str
) -> None:
    toy.run(change)
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        toy.pull()

    assert len(str(refused.value).splitlines()) == 1
    assert list(toy.landing.glob("*/*/date=*")) == []


def test_rows_that_a_policy_hides_are_not_missed_in_silence(toy: Operation, reader: str) -> None:
    toy.run(f"grant select on all tables in schema public to {reader}")
    toy.run("alter table entries enable row level security;\ncreate policy small on entries using (id < 5)")
    with pytest.raises(ConfigurationError, match=rf"hide rows of public\.entries .* alter role {reader} bypassrls"):
        as_role(toy, reader).pull()


def test_tables_are_found_by_the_search_path_that_the_address_names(toy: Operation) -> None:
    toy.run("create schema app;\ncreate table app.entries (like entries);\ninsert into app.entries values (7)")
    given = make_conninfo(toy.conninfo, options="-c search_path=app,public")

    assert replace(toy, conninfo=given).rows_pulled() == {"entries": 1, "rates": 0}


def test_settings_of_the_role_change_no_value(toy: Operation) -> None:
    name = toy.connection.info.dbname
    for setting in ("timezone = 'Asia/Kolkata'", "datestyle = 'German'", "statement_timeout = '1ms'"):
        toy.run(f"alter database {name} set {setting}")
    toy.run("insert into entries values (1, '2026-06-01 00:00+00', 'x')")
    toy.pull()

    assert [row["at"].isoformat() for row in toy.delivered("entries")] == ["2026-06-01T00:00:00+00:00"]


def test_a_database_without_an_encoding_is_read_while_its_bytes_are_utf8_and_then_named(toy: Operation) -> None:
    name = f"{toy.connection.info.dbname}_ascii"
    toy.run(f"create database {name} encoding 'SQL_ASCII' locale 'C' locale_provider libc template template0")
    conninfo = make_conninfo(toy.conninfo, dbname=name)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        unencoded = replace(toy, conninfo=conninfo, connection=connection)
        unencoded.run(TOY + ";\ninsert into entries values (1, null, 'é')")
        unencoded.pull()
        unencoded.run(r"insert into entries values (2, null, E'\xff')")
        with pytest.raises(ConfigurationError, match=r"cannot print a row of toy\.entries; correct it there"):
            unencoded.pull()
    toy.run(f"drop database {name}")

    assert [row["note"] for row in toy.delivered("entries")] == ["é"]


def test_a_table_that_stays_locked_ends_the_pull_with_a_sentence(
    toy: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest import pull_source

    monkeypatch.setattr(pull_source, "SESSION", pull_source.SESSION.replace(b"'30s'", b"'10ms'"))
    with toy.writer() as altering:
        altering.execute("alter table entries add column surprise text")
        with pytest.raises(DatabaseUnreachableError, match=r"locks a table .* pull again later"):
            toy.pull()


def test_a_table_that_is_altered_just_as_a_pull_begins_holds_neither_up(
    toy: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest import pull_source

    take_snapshot = pull_source._snapshot
    altering: list[Future[None]] = []
    with ThreadPoolExecutor(1) as other, toy.writer() as owner:

        def alter() -> None:
            owner.execute("alter table entries add column surprise text")
            owner.commit()

        def alter_first(connection: psycopg.Connection) -> Snapshot:
            if not altering:
                altering.append(other.submit(alter))
                while not toy.fetch(
                    "select from pg_locks join pg_stat_activity using (pid)"
                    " where not granted and datname = current_database()"
                ):
                    assert not altering[0].done()
            return take_snapshot(connection)

        monkeypatch.setattr(pull_source, "_snapshot", alter_first)
        done = toy.pull()
        altering[0].result()

    assert [table.ignored for table in done.tables if table.table == "entries"] == [("surprise",)]


def test_a_connection_that_is_cut_is_a_sentence_and_leaves_the_cursor_alone(toy: Operation) -> None:
    toy.run("insert into entries values (1);\ninsert into accounts values (1)")

    def cut(_: object) -> None:
        toy.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'tally pull' and datname = current_database()"
        )

    with pytest.raises(DatabaseUnreachableError, match="The source stopped answering; pull again"):
        pull(toy.conninfo, toy.system, toy.landing, on_table=cut)
    assert toy.delivered("entries") == []
    assert toy.rows_pulled() == {"entries": 1, "accounts": 1, "rates": 0}


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://tally:s3cr@t@localhost:1/shop",
        "postgresql://tally:s3cr/t@localhost:1/shop",
        "postgresql://tally:12/s3cr@localhost:1/shop",
        "postgresql://tally:s3cr%zz@localhost:1/shop",
        "postgresql://tally:s3cr@localhost:one/shop",
        "host=localhost port=1 password=half s3cr",
        "s3cr",
    ],
)
def test_an_address_that_is_misspelt_is_not_repeated(toy: Operation, address: str) -> None:
    with pytest.raises(ConfigurationError, match="--from is not a connection string") as refused:
        replace(toy, conninfo=address).pull()

    assert "s3cr" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


@pytest.fixture
def shop(warehouse: Warehouse, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operation]:
    """The toy system as the command line knows it: a sixth contract, pulled into the warehouse's landing zone."""
    folder = tmp_path / "contracts"
    folder.mkdir()
    monkeypatch.setenv("TALLY_CONTRACTS", str(folder))
    with psycopg.connect(source, autocommit=True) as connection:
        operation = Operation(toy_system(folder), source, warehouse.landing, connection)
        operation.run(TOY)
        yield operation


def test_the_command_tells_what_is_new_and_the_warehouse_loads_it(warehouse: Warehouse, shop: Operation) -> None:
    shop.run("insert into entries values (1), (2);\nalter table accounts add column mood text, add column hat text")
    code, out, err = warehouse.tally("pull", "toy", "--from", shop.conninfo)

    assert (code, err) == (0, "toy.accounts: left out what no contract knows: mood, hat.\n")
    lines = out.splitlines()
    assert lines[0] == "Everything was read: nothing was pulled before."
    assert [line.split() for line in lines[1:-1]] == [
        ["table", "mode", "rows", "files"],
        ["entries", "append", "2", "1"],
        ["rates", "replace", "0", "1"],
    ]
    assert lines[-1] == f"They are in {warehouse.landing / 'toy'}; load them with `tally run`."
    assert warehouse.tally("load", "--system", "toy")[0] == 0
    assert warehouse.fetch("select id from raw_toy.entries order by 1") == [(1,), (2,)]
    assert warehouse.tally("pull", "toy", "--from", shop.conninfo) == (0, "There is nothing new in toy.\n", "")


def test_the_command_exits_3_when_the_source_does_not_answer_and_never_prints_its_password(
    warehouse: Warehouse, shop: Operation
) -> None:
    wrong = make_conninfo(shop.conninfo, dbname="no_such_shop", password=SESAME)
    for address in ("postgresql://tally:0pen-sesame@localhost:1/shop", wrong):
        code, out, err = warehouse.tally("pull", "toy", "--from", address)

        assert (code, out) == (3, "")
        assert len(err.splitlines()) == 1
        assert err.startswith("The source does not answer; start it, or correct --from (")
        assert "0pen" not in err


def test_the_command_exits_2_for_an_unknown_system_and_without_a_source(warehouse: Warehouse, shop: Operation) -> None:
    code, out, err = warehouse.tally("pull", "toys", "--from", shop.conninfo)
    assert (code, out) == (2, "")
    assert "There is no system toys; known are advert_market, funpot, hermes, storyforge, synapse, toy." in err
    assert warehouse.tally("pull", "toy")[0] == 2
