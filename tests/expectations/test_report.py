"""The forms in which verdicts are told: text for people, JSON and JUnit XML for CI."""

import json
from decimal import Decimal
from xml.etree import ElementTree

from rich.console import Console

from expectations.report import as_json, as_junit, as_text, breaks
from expectations.results import RuleResult, Sample
from tests.expectations.toy import rule

HUGE = Decimal("9007199254740993.5")
FAILED = RuleResult(
    rule(title="Every <wallet> adds up."),
    "failed",
    breaking_rows=12_345,
    amount=HUGE,
    samples=tuple(Sample(subject, HUGE, {"rate": Decimal("0.1")}) for subject in ("ann", "bob", "cid", "dan")),
    months=("2026-05", "2026-06"),
    rows_evaluated=5_000_000,
    seconds=0.25,
)
CRASHED = RuleResult(rule(id="T-02", severity="error"), "error", message="division by zero")
WARNED = RuleResult(rule(id="T-03", severity="warn", unit=None), "failed", 1, samples=(Sample("x", None, None),))
PASSED = RuleResult(rule(id="T-04"), "passed", 0)
WAITING = RuleResult(rule(id="T-05", system="hermes"), "not_applicable", message="raw_hermes.x never had a delivery")
RESULTS = [WAITING, FAILED, CRASHED, WARNED, PASSED]


def test_people_read_what_is_broken_what_it_costs_and_what_to_run_next() -> None:
    console = Console(width=40)
    with console.capture() as capture:
        console.print(as_text(RESULTS), end="", soft_wrap=True)
    assert capture.get() == (
        "funpot: 1 of 4 rules hold, 2 failed, 1 could not be asked\n"
        "  failed T-01 (critical) Every <wallet> adds up.\n"
        "    12,345 breaks in 5,000,000 rows of wallet_ledger, of 2026-05 and 2026-06,"
        " 9,007,199,254,740,993.5 INT at stake: ann, bob, cid\n"
        '    tally sql "select jsonb_array_elements(samples) from audit.gate_state'
        " where rule_id = 'T-01'\"\n"
        "  error T-02 (error) Nothing is wrong.\n"
        "    no verdict: division by zero\n"
        "    tally check --system funpot --debug\n"
        "  failed T-03 (warn) Nothing is wrong.\n"
        "    1 break: x\n"
        '    tally sql "select jsonb_array_elements(samples) from audit.gate_state'
        " where rule_id = 'T-03'\"\n"
        "hermes: 0 of 0 rules hold, 1 not applicable\n"
    )


def test_json_holds_every_verdict_with_exact_amounts() -> None:
    told = json.loads(as_json(RESULTS))
    assert [each["rule_id"] for each in told] == ["T-05", "T-01", "T-02", "T-03", "T-04"]
    assert told[1] == {
        "system": "funpot",
        "rule_id": "T-01",
        "title": "Every <wallet> adds up.",
        "severity": "critical",
        "status": "failed",
        "table": "wallet_ledger",
        "rows_evaluated": 5_000_000,
        "asked_of_new_rows": False,
        "breaking_rows": 12_345,
        "waived_rows": 0,
        "months": ["2026-05", "2026-06"],
        "amount": "9007199254740993.5",
        "unit": "INT",
        "samples": [
            {"subject": subject, "amount": "9007199254740993.5", "evidence": {"rate": "0.1"}, "is_waived": False}
            for subject in ("ann", "bob", "cid", "dan")
        ],
        "message": None,
        "seconds": 0.25,
        "waivers": [],
        "next_command": told[1]["next_command"],
    }
    assert told[0]["status"] == "not_applicable"
    assert told[0]["breaking_rows"] is None


def test_junit_tells_failures_from_errors_and_skips_what_does_not_apply() -> None:
    root = ElementTree.fromstring(as_junit(RESULTS))  # noqa: S314 - our own text
    suites = {suite.get("name"): suite for suite in root}
    assert {
        name: [suite.get(count) for count in ("tests", "failures", "errors", "skipped")]
        for name, suite in suites.items()
    } == {"funpot": ["4", "1", "1", "0"], "hermes": ["1", "0", "0", "1"]}
    outcomes = {case.get("name"): [child.tag for child in case] for suite in root for case in suite}
    assert outcomes == {
        "T-01 Every <wallet> adds up.": ["failure"],
        "T-02 Nothing is wrong.": ["error"],
        "T-03 Nothing is wrong.": ["system-out"],
        "T-04 Nothing is wrong.": [],
        "T-05 Nothing is wrong.": ["skipped"],
    }


def test_the_line_between_broken_and_failing_moves() -> None:
    assert [breaks(RESULTS, severity) for severity in ("critical", "error", "warn")] == [
        [FAILED],
        [FAILED, CRASHED],
        [FAILED, CRASHED, WARNED],
    ]
    assert 'failures="2" errors="1"' in as_junit(RESULTS, fail_on="warn")
