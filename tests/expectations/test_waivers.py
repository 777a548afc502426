"""A waived break is told and blocks nothing, until the day it expires; what is no waiver is refused."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest

from expectations.report import notes
from expectations.results import RuleResult
from expectations.rule import Rule
from expectations.run import check
from expectations.waivers import WAIVERS, Waiver, read_waivers, today
from ingest.errors import ConfigurationError
from tests.expectations.toy import breaking, deliver, rule

TOMORROW = today() + timedelta(days=1)
YESTERDAY = today() - timedelta(days=1)
WAIVER = Waiver("T-01", "2", "Seen by support.", "Kim", TOMORROW)


def ask(database: str, asked: Rule, *waivers: Waiver) -> RuleResult:
    deliver(database, "wallet_ledger")
    [result] = check(database, [asked], waivers=waivers)
    return result


def test_a_rule_all_of_whose_breaks_are_waived_blocks_nothing(database: str) -> None:
    result = ask(database, rule(query=f"{breaking(2)} where n = 2"), WAIVER)
    assert (result.status, result.is_broken, result.breaking_rows, result.waived_rows) == ("waived", False, 0, 1)
    assert result.waivers == (WAIVER,)
    with psycopg.connect(database) as connection:
        held = connection.execute("select rules from audit.held_systems").fetchall()
    assert held == [([],)]


def test_a_break_that_is_not_waived_still_blocks_and_is_counted_alone(database: str) -> None:
    result = ask(database, rule(query=breaking(30)), WAIVER)
    assert (result.status, result.breaking_rows, result.waived_rows) == ("failed", 29, 1)
    assert result.amount == sum(range(1, 31)) - 2
    assert all(sample.subject != "2" for sample in result.samples)


def test_a_waiver_holds_through_its_last_day(database: str) -> None:
    result = ask(database, rule(query=f"{breaking(2)} where n = 2"), replace(WAIVER, expires=today()))
    assert result.status == "waived"


def test_an_expired_waiver_blocks_again_and_is_named(database: str) -> None:
    expired = replace(WAIVER, expires=YESTERDAY)
    result = ask(database, rule(query=breaking(500)), expired)
    assert (result.status, result.breaking_rows, result.waived_rows) == ("failed", 500, 0)
    assert result.waivers == (expired,)


@pytest.mark.parametrize("subject", ["it's", "{a}", "b:c", "%s", 'd"e', "\\"])
def test_a_waived_subject_may_hold_any_character(database: str, subject: str) -> None:
    quoted = subject.replace("'", "''")
    query = f"select '{quoted}' as subject, 1::numeric as amount, null::jsonb as evidence, now() as happened_at"
    assert ask(database, rule(query=query), replace(WAIVER, subject=subject)).status == "waived"


def test_a_waiver_of_another_rule_waives_nothing(database: str) -> None:
    result = ask(database, rule(query=f"{breaking(2)} where n = 2"), replace(WAIVER, rule="T-02"))
    assert result.status == "failed"


def test_a_waiver_that_matches_nothing_is_told(database: str) -> None:
    result = ask(database, rule(query=breaking(1)), WAIVER)
    assert notes([result], [WAIVER], {"T-01"}) == [
        "The waiver of T-01 for 2 by Kim matches no break; take it out of waivers.yaml."
    ]
    assert notes([result], [WAIVER], set()) == [
        "The waiver of T-01 for 2 by Kim names a rule that does not exist; mend it in waivers.yaml."
    ]


def test_a_waiver_of_a_rule_that_was_not_asked_is_not_told() -> None:
    assert notes([RuleResult(rule(id="T-02"), "passed")], [WAIVER], {"T-01", "T-02"}) == []


def test_the_shipped_file_holds_no_waiver() -> None:
    assert read_waivers(WAIVERS) == ()


def test_a_file_gives_its_waivers_in_order(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(
        "- {rule: A-06, subject: 'x', reason: Seen., who: Kim, expires: 2026-12-31}\n"
        "- {rule: A-01, subject: '7', reason: Seen., who: Kim, expires: 2027-01-31}\n",
        encoding="utf-8",
    )
    assert read_waivers(path) == (
        Waiver("A-06", "x", "Seen.", "Kim", date(2026, 12, 31)),
        Waiver("A-01", "7", "Seen.", "Kim", date(2027, 1, 31)),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: b", "must be a list of waivers"),
        ("- rule: [", "cannot be read"),
        ("- {rule: A-01}", "Waiver 1 of .* must have exactly rule, subject, reason, who, expires"),
        ("- {rule: A-01, subject: 7, reason: r, who: w, expires: 2026-01-01}", "subject must be text"),
        ("- {rule: A-01, subject: '7', reason: '', who: w, expires: 2026-01-01}", "reason must be text"),
        ("- {rule: A-01, subject: '7', reason: r, who: w, expires: soon}", "expires must be a date"),
        (
            "\n".join(["- {rule: A-01, subject: '7', reason: r, who: w, expires: 2026-01-01}"] * 2),
            "waives A-01 for 7 twice",
        ),
    ],
)
def test_what_is_no_waiver_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said):
        read_waivers(path)
