"""What becomes of a rule that is asked of a real database through Great Expectations."""

from decimal import Decimal

import psycopg
import pytest

from expectations.expectation import SAMPLE_ROWS
from expectations.inquiry import SYSTEMS_AT_ONCE
from expectations.results import RuleResult
from expectations.rule import Rule
from expectations.run import check
from ingest.errors import DatabaseUnreachableError
from tests.expectations.toy import breaking, deliver, rule


@pytest.fixture
def delivered(database: str) -> str:
    """A database in which the toy rule's table had a delivery."""
    deliver(database, "wallet_ledger")
    return database


def ask(database: str, asked: Rule) -> RuleResult:
    [result] = check(database, [asked])
    return result


def test_a_rule_that_no_row_breaks_passes(delivered: str) -> None:
    result = ask(delivered, rule())
    assert (result.status, result.breaking_rows, result.amount, result.samples) == ("passed", 0, None, ())


def test_count_and_amount_are_exact_beyond_the_samples(delivered: str) -> None:
    result = ask(delivered, rule(query=breaking(12_345)))
    assert (result.status, result.breaking_rows) == ("failed", 12_345)
    assert result.amount == sum(range(1, 12_346))
    assert [sample.amount for sample in result.samples] == list(range(12_345, 12_345 - SAMPLE_ROWS, -1))


def test_amounts_beyond_the_precision_of_floats_stay_exact(delivered: str) -> None:
    exact = Decimal("9007199254740993.000000001")
    evidence = f"jsonb_build_object('nano', {exact}, 'whole', {2**53 + 1})"
    result = ask(delivered, rule(query=breaking(2, amount=f"{exact}::numeric", evidence=evidence)))
    assert result.amount == 2 * exact
    assert result.samples[0].amount == exact
    assert result.samples[0].evidence == {"nano": exact, "whole": 2**53 + 1}


def test_a_surplus_does_not_hide_a_shortage(delivered: str) -> None:
    assert ask(delivered, rule(query=breaking(2, amount="(2 * n - 3)::numeric"))).amount == 2


def test_a_rule_without_a_unit_has_no_amount(delivered: str) -> None:
    result = ask(delivered, rule(unit=None, query=breaking(1)))
    assert (result.breaking_rows, result.amount, result.samples[0].amount) == (1, None, None)


@pytest.mark.parametrize(
    ("crashing", "said"),
    [
        ("select * from raw_funpot.no_such_table", "no_such_table"),
        (breaking(1, amount="n / (n - n)::numeric"), "division by zero"),
        ("select 'x' as subject", "amount"),
        (
            f"{breaking(1)} where pg_terminate_backend(pg_backend_pid())",
            "",
        ),
        ("delete from ingest.loads returning 'x' as subject, 1 as amount, null as evidence, now() as happened_at", ""),
    ],
    ids=["no table", "at run time", "no amount", "lost connection", "not a query"],
)
def test_a_query_that_crashes_is_an_error_and_no_verdict(delivered: str, crashing: str, said: str) -> None:
    result = ask(delivered, rule(query=crashing))
    assert (result.status, result.breaking_rows, result.amount) == ("error", None, None)
    assert result.message
    assert said in result.message
    assert "\n" not in result.message


def test_a_crash_leaves_the_other_rules_alone(delivered: str) -> None:
    asked = [rule(query="select 1"), rule(id="T-02"), rule(id="T-03", query=breaking(1))]
    assert [result.status for result in check(delivered, asked)] == ["error", "passed", "failed"]


def test_a_rule_cannot_write(delivered: str) -> None:
    with psycopg.connect(delivered) as connection:
        connection.execute(
            "create function ingest.forget() returns text language sql as $$ delete from ingest.loads; select 'x' $$"
        )
    result = ask(
        delivered,
        rule(query=f"{breaking(1)} where ingest.forget() = 'x'"),
    )
    assert result.message == "cannot execute DELETE in a read-only transaction"


@pytest.mark.parametrize(
    "condition",
    [
        "'{a}' = '{' || 'a}'",
        "'{1,2}'::int[] = array[1, 2]",
        "'key:rollback' like '%:rollback'",
        "' :name ' ~ '^ \\:[a-z]{4} $'",
        "7 % 4 = 3",
        "'{\"a\": 1}'::jsonb ? 'a'",
        "'$subject' = '$' || 'subject'",
        "(array[1, 2, 3])[2:3] = array[2, 3]",
    ],
)
def test_a_query_may_hold_any_character(delivered: str, condition: str) -> None:
    query = f"{breaking(1)} where {condition}"
    assert ask(delivered, rule(query=query)).breaking_rows == 1


def test_a_day_is_a_utc_day(delivered: str) -> None:
    with psycopg.connect(delivered, autocommit=True) as connection:
        connection.execute(f"alter database {connection.info.dbname} set timezone = 'Pacific/Auckland'")
    noon = "(timestamptz '2026-01-01 12:00:00+00')::date = date '2026-01-01'"
    assert ask(delivered, rule(query=f"{breaking(1)} where {noon}")).breaking_rows == 1


def test_a_rule_waits_for_a_delivery_of_each_of_its_tables(delivered: str) -> None:
    result = ask(delivered, rule(tables=("wallet_ledger", "wallet_accounts"), query=breaking(1)))
    assert (result.status, result.breaking_rows) == ("not_applicable", None)
    assert result.message == "raw_funpot.wallet_accounts never had a delivery"


def test_a_rule_that_needs_only_one_of_its_tables_waits_for_none_else(delivered: str) -> None:
    asked = rule(tables=("wallet_ledger", "wallet_accounts"), query=breaking(1), needs_all=False)
    assert ask(delivered, asked).status == "failed"


def test_a_rule_whose_only_delivery_could_not_be_read_is_not_applicable(database: str) -> None:
    deliver(database, "wallet_ledger")
    with psycopg.connect(database) as connection:
        connection.execute("update ingest.loads set status = 'failed', reason = 'truncated'")
    assert ask(database, rule(query=breaking(1))).status == "not_applicable"


def test_the_verdicts_of_one_run_are_stored_together(delivered: str) -> None:
    huge = "9007199254740993::numeric"
    asked = [
        rule(),
        rule(id="T-02", query=breaking(30, amount=huge, evidence="jsonb_build_object('n', n)")),
        rule(id="T-03", query=breaking(1, amount="n / (n - n)::numeric"), severity="error"),
        rule(id="T-04", tables=("votes",)),
    ]
    check(delivered, asked)
    with psycopg.connect(delivered) as connection:
        rows = connection.execute(
            "select rule_id, severity, status, breaking_rows, amount, unit, jsonb_array_length(samples), message"
            " from audit.gate_results order by gate_result_id"
        ).fetchall()
        runs = connection.execute("select count(distinct gate_run_id) from audit.gate_results").fetchone()
        sample = connection.execute("select samples -> 0 from audit.gate_state where rule_id = 'T-02'").fetchone()
        held = connection.execute("select system, rules, loads_without_verdict from audit.held_systems").fetchall()
    assert rows == [
        ("T-01", "critical", "passed", 0, None, "INT", 0, None),
        ("T-02", "critical", "failed", 30, 30 * 9007199254740993, "INT", SAMPLE_ROWS, None),
        ("T-03", "error", "error", None, None, "INT", 0, "division by zero"),
        ("T-04", "critical", "not_applicable", None, None, "INT", 0, "raw_funpot.votes never had a delivery"),
    ]
    assert runs == (1,)
    assert sample == ({"subject": "1", "amount": "9007199254740993", "evidence": {"n": 1}, "is_waived": False},)
    assert held == [("funpot", ["T-02"], 1)]


def test_each_verdict_is_told_as_it_comes(delivered: str) -> None:
    told: list[RuleResult] = []
    assert check(delivered, [rule(), rule(id="T-02")], on_rule=told.append) == told


def test_systems_asked_later_see_the_same_moment(delivered: str) -> None:
    """What is loaded while the first systems are asked is seen by none."""
    systems = ("funpot", "hermes", "synapse", "storyforge")
    assert len(systems) > SYSTEMS_AT_ONCE
    loads = "select 'x' as subject, 1::numeric as amount, null::jsonb as evidence, null::timestamptz as happened_at"
    asked = [
        rule(
            id=f"T-{system}", system=system, tables=("users",), query=f"{loads} from ingest.loads having count(*) <> 5"
        )
        for system in systems
    ]
    for system in systems:
        deliver(delivered, "users", system=system)
    results = check(delivered, asked, on_rule=lambda result: deliver(delivered, "votes", system=result.rule.system))
    assert [(each.rule.system, each.status) for each in results] == [(system, "passed") for system in systems]


def test_the_largest_system_is_asked_first(delivered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the smallest ones left for the end, no worker waits long; results keep the order of the rules."""
    monkeypatch.setattr("expectations.inquiry.SYSTEMS_AT_ONCE", 1)
    systems = ("funpot", "hermes", "synapse")
    for system in systems:
        deliver(delivered, "users", system=system)
    with psycopg.connect(delivered) as connection:
        connection.execute("create table raw_synapse.more as select * from generate_series(1, 100000)")
        connection.execute("create table raw_hermes.more as select * from generate_series(1, 50000)")
    asked = [rule(id=f"T-{system}", system=system, tables=("users",)) for system in systems]
    told: list[str] = []
    results = check(delivered, asked, on_rule=lambda result: told.append(result.rule.system))

    assert told == ["synapse", "hermes", "funpot"]
    assert [each.rule.system for each in results] == list(systems)


def test_an_interrupt_ends_the_questions_under_way(delivered: str) -> None:
    """One that goes on for minutes must not hold up who presses Ctrl-C."""
    deliver(delivered, "users", system="synapse")
    endless = rule(id="T-02", system="synapse", tables=("users",), query=f"{breaking(1)}, pg_sleep(600)")

    def interrupt(result: RuleResult) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(delivered, [rule(), endless], on_rule=interrupt)
    with psycopg.connect(delivered) as connection:
        running = connection.execute(
            "select count(*) from pg_stat_activity where query ~ 'T-02 of' and pid <> pg_backend_pid()"
        ).fetchone()
    assert running == (0,)


def test_a_database_that_does_not_answer_is_named_as_the_trouble() -> None:
    with pytest.raises(DatabaseUnreachableError, match="does not answer"):
        check("host=/nowhere dbname=tally", [rule()])
