"""The commands as a person meets them: what they print, where, and the code they exit with."""

import csv
import json
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from dagster_project.commands import check, demo, run
from expectations.rule import Severity
from ingest import server
from ingest.settings import Settings
from tests.conftest import Warehouse
from tests.expectations import toy

POST = """
    create table marts.settlements (contest_id text, stakes numeric, title text, settled_at timestamptz, seen boolean);
    insert into marts.settlements values
        ('a', 12345678901234567890.5, 'comma, "quote"', '2026-06-01 10:00+02', true),
        ('b', 7, null, null, null);
"""


@pytest.fixture
def settlements(warehouse: Warehouse, connection: psycopg.Connection) -> Warehouse:
    """A warehouse with one small mart, as good as a built one for whoever only reads."""
    connection.execute(POST)
    connection.commit()
    return warehouse


def test_help_names_every_command(warehouse: Warehouse) -> None:
    code, out, _ = warehouse.tally("--help")

    assert code == 0
    for command in [
        "demo",
        "run",
        "pull",
        "load",
        "check",
        "sql",
        "explain",
        "board",
        "status",
        "quarantine",
        "explore",
        "lake",
        "ui",
        "stop",
    ]:
        assert f" {command} " in out


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["sql"],
        ["load", "--date", "yesterday"],
        ["check", "--fail-on", "x"],
        ["ui", "--port", "0"],
        ["ui", "--port", "80000"],
    ],
)
def test_wrong_use_exits_2(warehouse: Warehouse, words: list[str]) -> None:
    code, out, err = warehouse.tally(*words)

    assert (code, out) == (2, "")
    assert "Usage: tally" in err


def test_csv_is_a_header_and_exact_rows_and_nothing_else(settlements: Warehouse) -> None:
    code, out, err = settlements.tally("sql", "select * from marts.settlements order by 1", "--format", "csv")

    assert (code, err) == (0, "")
    assert list(csv.reader(StringIO(out))) == [
        ["contest_id", "stakes", "title", "settled_at", "seen"],
        ["a", "12345678901234567890.5", 'comma, "quote"', "2026-06-01T08:00:00+00:00", "true"],
        ["b", "7", "", "", ""],
    ]


def test_json_keeps_every_digit(settlements: Warehouse) -> None:
    _, out, _ = settlements.tally("sql", "select * from marts.settlements order by 1", "--format", "json")
    rows = json.loads(out, parse_float=Decimal)

    assert rows[0]["stakes"] == Decimal("12345678901234567890.5")
    assert rows[1] == {"contest_id": "b", "stakes": 7, "title": None, "settled_at": None, "seen": None}


def test_json_inside_a_column_is_nested_as_it_stands(warehouse: Warehouse) -> None:
    # A round trip through floats would print 1e21 and 0.1.
    query = """select '{"amount": 1000000000000000000001, "odds": 0.10}'::jsonb as evidence"""
    _, out, _ = warehouse.tally("sql", query, "--format", "json")

    assert '{"evidence":{"odds": 0.10, "amount": 1000000000000000000001}}' in out


@pytest.mark.parametrize(("format", "expected"), [("csv", "contest_id,stakes\n"), ("json", "[]\n")])
def test_no_rows_are_still_a_result(settlements: Warehouse, format: str, expected: str) -> None:
    query = "select contest_id, stakes from marts.settlements where false"

    assert settlements.tally("sql", query, "--format", format) == (0, expected, "")


def test_a_table_shows_all_digits_and_counts_its_rows(settlements: Warehouse) -> None:
    _, out, _ = settlements.tally("sql", "select * from marts.settlements order by 1")

    assert "12345678901234567890.5" in out
    assert "(2 rows)" in out


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("select nothing from marts.settlements", 'column "nothing" does not exist'),
        ("select * from raw_funpot.users", "permission denied for schema raw_funpot"),
        ("delete from marts.settlements", "cannot execute DELETE in a read-only transaction"),
        ("create table marts.mine (id int)", "cannot execute CREATE TABLE in a read-only transaction"),
        ("select 1; select 2", "it is more than one statement"),
        ("copy (select 1) to stdout", "it gives no rows, as a select does."),
        ("reset role", "it gives no rows, as a select does."),
        ("", "it gives no rows, as a select does."),
        ("select 'infinity'::timestamptz", "timestamp too large (after year 10K): 'infinity'."),
        ("select * from marts.nothing", 'relation "marts.nothing" does not exist.'),
    ],
)
def test_a_refused_query_is_one_sentence_and_exits_2(settlements: Warehouse, query: str, problem: str) -> None:
    code, out, err = settlements.tally("sql", query)

    assert (code, out) == (2, "")
    assert err.startswith(f"The query was refused: {problem}")
    assert len(err.splitlines()) == 1
    assert settlements.fetch("select count(*) from marts.settlements") == [(2,)]


def test_a_query_before_the_first_build_is_told_to_run_it(warehouse: Warehouse) -> None:
    code, out, err = warehouse.tally("sql", "select * from marts.settlements")

    assert (code, out, err) == (2, "", "There are no marts yet; `tally run` builds them.\n")


def test_a_database_that_does_not_answer_exits_3(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_DATABASE_URL", "postgresql://tally@localhost:1/tally")
    for words in (["sql", "select 1"], ["status"], ["load"], ["check"], ["run"]):
        code, out, err = warehouse.tally(*words)

        assert (code, out) == (3, "")
        assert len(err.splitlines()) == 1


def test_an_interrupted_command_says_so(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(settings: Settings) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(server, "connect", interrupt)

    assert warehouse.tally("status") == (130, "", "Interrupted.\n")


@pytest.mark.parametrize(
    ("name", "value", "commands"),
    [
        ("TALLY_DATABASE_URL", "nonsense", ["status", "load", "run", "ui", "stop"]),
        ("TALLY_LANDING", "/nowhere", ["load", "run"]),
        ("TALLY_HOME", "/proc/tally", ["check", "run", "ui", "seal", "verify", "lake"]),
    ],
)
def test_a_setting_that_cannot_be_meant_is_one_sentence_and_exits_2(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, name: str, value: str, commands: list[str]
) -> None:
    monkeypatch.setenv(name, value)
    for command in commands:
        code, out, err = warehouse.tally(command)

        assert (code, out) == (2, "")
        assert err.startswith(f"{name} is ")
        assert len(err.splitlines()) == 1


def test_debug_shows_where_an_error_comes_from(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_CONTRACTS", "/nowhere")

    assert warehouse.tally("status")[0] == 2
    with pytest.raises(Exception, match="TALLY_CONTRACTS is /nowhere"):
        warehouse.tally("status", "--debug")


def test_an_unknown_system_exits_2_and_names_the_known_ones(warehouse: Warehouse) -> None:
    for words in (["load", "--system", "funpott"], ["check", "--system", "funpott"]):
        code, _, err = warehouse.tally(*words)

        assert code == 2
        assert "advert_market, funpot, hermes, storyforge, synapse" in err


@pytest.fixture
def deliver(warehouse: Warehouse) -> Callable[[str, str], Path]:
    def write(place: str, content: str) -> Path:
        path = warehouse.landing / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    return write


def test_load_counts_what_became_of_the_rows(warehouse: Warehouse, deliver: Callable[[str, str], Path]) -> None:
    deliver("hermes/localization_keys/date=2026-06-01/a.ndjson", "{broken\n")
    code, out, _ = warehouse.tally("load", "--system", "hermes")
    counts = out.splitlines()[-1].split()

    assert code == 0
    assert counts == ["hermes", "localization_keys", "1", "0", "0", "1", "0", "0", "0", "1"]
    assert "There is nothing to load" in warehouse.tally("load", "--date", "2026-06-02")[1]
    assert "1 file of 1 table was loaded before." in warehouse.tally("load")[1]
    deliver("hermes/markets/date=2026-06-01/a.ndjson", "{broken\n")
    code, out, _ = warehouse.tally("load")
    assert out.splitlines()[-2].split()[:2] == ["hermes", "markets"]
    assert out.splitlines()[-1] == "1 file of 1 other table was loaded before."


def test_a_folder_nobody_described_is_told_of_and_exits_1(
    warehouse: Warehouse, deliver: Callable[[str, str], Path]
) -> None:
    deliver("hermes/markts/date=2026-06-01/a.ndjson", "")
    code, _, err = warehouse.tally("load")

    assert code == 1
    assert "hermes/markts: no contract describes this" in err


def test_quarantine_lists_the_rows_of_one_system_or_table(
    warehouse: Warehouse, deliver: Callable[[str, str], Path]
) -> None:
    deliver("hermes/localization_keys/date=2026-06-01/a.ndjson", "{broken\n")
    deliver("storyforge/likes/date=2026-06-01/b.ndjson", "{broken\n{broken\n")
    warehouse.tally("load")

    assert "3 rows in quarantine." in warehouse.tally("quarantine", "list")[1]
    _, likes, _ = warehouse.tally("quarantine", "list", "--table", "likes")
    assert "b.ndjson" in likes
    assert "a.ndjson" not in likes
    assert "0 rows in quarantine." in warehouse.tally("quarantine", "list", "--system", "funpot")[1]


def test_status_tells_loads_gates_and_where_the_database_is(
    warehouse: Warehouse, deliver: Callable[[str, str], Path]
) -> None:
    deliver("storyforge/likes/date=2026-06-01/b.ndjson", "{broken\n")
    deliver("storyforge/likes/date=2026-06-01/b.xml", "<likes/>\n")
    warehouse.tally("load")
    warehouse.tally("check", "--system", "funpot")
    code, out, _ = warehouse.tally("status")

    assert code == 0
    for words in ("Loads", "storyforge", "2026-06-01", "Refused files", "b.xml", "Gates", "funpot", "postgresql://"):
        assert words in out


def test_status_gives_bi_tools_an_address_that_only_reads(settlements: Warehouse) -> None:
    reading, owning = [
        line.split()[-1] for line in settlements.tally("status")[1].splitlines() if "postgresql:" in line
    ]
    password = conninfo_to_dict(settlements.database).get("password")
    with psycopg.connect(reading, password=password) as connection:
        assert connection.execute("select count(*) from marts.settlements").fetchall() == [(2,)]
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("delete from marts.settlements")
    with (
        psycopg.connect(reading, password=password) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("select * from raw_funpot.users")
    with psycopg.connect(owning, password=password) as connection:
        connection.execute("select * from raw_funpot.users")


def test_check_writes_json_and_junit_of_the_same_verdicts(warehouse: Warehouse, tmp_path: Path) -> None:
    junit = tmp_path / "gates.xml"
    code, out, _ = warehouse.tally("check", "--system", "funpot", "--format", "json", "--junit", str(junit))

    assert code == 0
    assert {verdict["status"] for verdict in json.loads(out)} == {"not_applicable"}
    assert junit.read_text(encoding="utf-8").count("<testcase") == len(json.loads(out))


@pytest.mark.parametrize(("severity", "codes"), [("critical", (1, 1, 1)), ("error", (0, 1, 1)), ("warn", (0, 0, 1))])
def test_the_severity_from_which_check_fails_can_be_chosen(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, severity: Severity, codes: tuple[int, ...]
) -> None:
    warehouse.tally("status")  # makes the tables
    toy.deliver(warehouse.database, "wallet_ledger")
    rule = toy.rule(severity=severity, query=toy.breaking(1))
    monkeypatch.setattr(check, "_rules", lambda systems, system: [rule])

    found = [warehouse.tally("check", "--fail-on", line)[0] for line in ("critical", "error", "warn")]
    assert tuple(found) == codes


def test_explore_reads_the_marts_in_duckdb_without_losing_a_digit(settlements: Warehouse) -> None:
    query = "select contest_id, stakes + 1 as more from marts.settlements order by 1"
    code, out, _ = settlements.tally("explore", "--sql", query)

    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["contest_id", "more"],
        ["a", "12,345,678,901,234,567,891.5"],
        ["b", "8"],
        ["(2", "rows)"],
    ]
    code, _, err = settlements.tally("explore", "--sql", "drop table postgres.marts.settlements")
    assert code == 2
    assert "read-only" in err


def test_explore_converses_until_it_is_left(settlements: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["select count(*) as n", "from marts.settlements;", "select wrong;", "\\q"])
    monkeypatch.setattr("builtins.input", lambda _: next(typed))
    code, out, _ = settlements.tally("explore")

    assert code == 0
    assert "The marts: settlements." in out
    assert "(1 row)" in out
    assert "wrong" in out


def test_explore_without_marts_says_what_to_do(warehouse: Warehouse) -> None:
    code, _, err = warehouse.tally("explore", "--sql", "select 1")

    assert (code, err) == (2, "There are no marts yet; `tally run` builds them.\n")


def test_demo_leaves_a_landing_zone_with_real_deliveries_alone(
    warehouse: Warehouse, deliver: Callable[[str, str], Path]
) -> None:
    deliver("storyforge/likes/date=2026-06-01/b.ndjson", "")
    code, _, err = warehouse.tally("demo")

    assert code == 2
    assert "holds deliveries of its own" in err


def test_a_demo_that_cannot_be_written_says_where(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_LANDING", "/proc/tally")
    code, _, err = warehouse.tally("demo")

    assert code == 2
    assert err == "The landing zone /proc/tally cannot be written (No such file or directory); correct TALLY_LANDING.\n"


def test_a_demo_whose_first_build_failed_says_why_and_nothing_of_marts(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "_write", lambda *words: None)
    monkeypatch.setattr(run, "run_everything", lambda *words: ["dbt model fct_events: no room."])
    code, _, err = warehouse.tally("demo")

    assert (code, err) == (1, "dbt model fct_events: no room.\n")


def test_a_served_database_is_never_stopped(warehouse: Warehouse) -> None:
    code, out, _ = warehouse.tally("stop")

    assert code == 0
    assert "does not stop" in out
    assert warehouse.fetch("select 1") == [(1,)]
