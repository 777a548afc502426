"""What holds a system back: a broken critical rule, a rule that crashed, and rows that no gate has seen."""

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from expectations.rule import Rule
from expectations.run import check
from tests.expectations.toy import breaking, deliver, rule


def held(database: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute("select * from audit.held_systems order by system").fetchall()


def judge(database: str, *rules: Rule, systems: Sequence[str] = ("funpot",)) -> None:
    check(database, rules, judged_systems=systems)


@pytest.fixture
def delivered(database: str) -> str:
    deliver(database, "wallet_ledger")
    return database


def test_nothing_delivered_holds_nothing_back(database: str) -> None:
    assert held(database) == []


def test_a_load_that_no_gate_has_seen_holds_its_system_back(delivered: str) -> None:
    assert held(delivered) == [("funpot", [], 1)]
    judge(delivered, rule())
    assert held(delivered) == []
    deliver(delivered, "votes")
    assert held(delivered) == [("funpot", [], 1)]


def test_a_load_whose_rows_were_replayed_since_is_to_be_judged_again(delivered: str) -> None:
    judge(delivered, rule())
    with psycopg.connect(delivered) as connection:
        connection.execute("update ingest.loads set replayed_at = now()")
    assert held(delivered) == [("funpot", [], 1)]
    judge(delivered, rule())
    assert held(delivered) == []


def test_some_rules_alone_judge_no_load(delivered: str) -> None:
    check(delivered, [rule()])
    assert held(delivered) == [("funpot", [], 1)]


def test_a_system_without_rules_is_judged_by_none(delivered: str) -> None:
    judge(delivered)
    assert held(delivered) == []


@pytest.mark.parametrize("query", [breaking(1), "select 1 / 0"], ids=["broken", "crashed"])
def test_a_critical_rule_that_is_not_known_to_hold_holds_its_system_back(delivered: str, query: str) -> None:
    judge(delivered, rule(query=query))
    assert held(delivered) == [("funpot", ["T-01"], 0)]
    judge(delivered, rule())
    assert held(delivered) == []


def test_a_rule_asked_alone_holds_back_at_once(delivered: str) -> None:
    judge(delivered, rule())
    check(delivered, [rule(query=breaking(1))])
    assert held(delivered) == [("funpot", ["T-01"], 0)]


def test_an_error_alone_holds_nothing_back(delivered: str) -> None:
    judge(delivered, rule(query=breaking(1), severity="error"))
    assert held(delivered) == []


def test_a_rule_that_left_the_catalogue_holds_nothing_back(delivered: str) -> None:
    judge(delivered, rule(id="T-02", query=breaking(1)))
    judge(delivered, rule())
    assert held(delivered) == []


def test_one_system_is_not_held_for_another(delivered: str) -> None:
    deliver(delivered, "users", system="synapse")
    judge(delivered, rule())
    assert held(delivered) == [("synapse", [], 1)]
