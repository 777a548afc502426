"""Verdicts for people and for CI: text, JSON, JUnit XML and GitHub's annotations, and which of them fail a run.

`source` is the landing zone they are of, where it was loaded into a database that is gone since.
"""

import json
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from itertools import groupby
from typing import Any
from xml.etree import ElementTree

from rich.text import Text

from expectations.results import RuleResult, Sample, Status, samples_as_json
from expectations.rule import Rule, Severity
from expectations.waivers import Waiver, idle

SEVERITIES: tuple[Severity, ...] = ("warn", "error", "critical")
SUBJECTS_SHOWN = 3
LANDING = "landing"
STYLES: dict[Status, str] = {"failed": "bold red", "error": "bold yellow", "waived": "bold yellow"}


def landing_verdict(refused: Sequence[str], count: int) -> RuleResult:
    """The verdict on what of a landing zone did not get in, so that every form tells of it as of a rule.

    `refused` are words on the first of them, `count` is how many there are.
    """
    title = "Every file and row of the landing zone fits its contract."
    rule = Rule(LANDING, LANDING, title, "critical", unit=None, tables=(), query="", mutations=())
    samples = tuple(Sample(words, None, None) for words in refused)
    return RuleResult(rule, "failed" if count else "passed", count, samples=samples)


def breaks(results: Sequence[RuleResult], fail_on: Severity = "error") -> list[RuleResult]:
    """The results that fail a run: broken rules of this severity or a higher one."""
    line = SEVERITIES.index(fail_on)
    return [each for each in results if each.is_broken and SEVERITIES.index(each.rule.severity) >= line]


def as_text(results: Sequence[RuleResult], source: str | None = None) -> Text:
    """One line per system, and under it every broken rule with what is at stake and what to run next.

    Print it with `soft_wrap=True`: a command that is broken into two lines cannot be copied.
    """
    text = Text()
    for system, of_system in _by_system(results):
        text.append(f"{system}: ", "bold").append(f"{_counts(of_system)}\n")
        for result in of_system:
            if result.is_broken or result.waived_rows:
                text.append_text(_broken(result, source))
    return text


def as_annotations(
    results: Sequence[RuleResult],
    fail_on: Severity = "error",
    notes: Sequence[str] = (),
    source: str | None = None,
) -> str:
    """Workflow commands of GitHub Actions: each broken rule and each note as an annotation of the run."""
    failing = {result.rule.id for result in breaks(results, fail_on)}
    lines = [
        _annotation(
            "error" if result.rule.id in failing else "warning",
            f"{result.rule.system} {result.rule.id}",
            f"{result.rule.title} {result.verdict}{_examples(result)}\n{next_command(result, source)}",
        )
        for result in results
        if result.is_broken
    ]
    return "\n".join([*lines, *(_annotation("warning", "tally check", note) for note in notes)])


def notes(results: Sequence[RuleResult], waivers: Sequence[Waiver], known: Set[str]) -> list[str]:
    """What to tell beside the verdicts: waivers that waive nothing. `known` are the ids of all rules there are."""
    matched = [waiver for result in results for waiver in result.waivers]
    asked = {result.rule.id for result in results if result.status not in ("error", "not_applicable")}
    return idle(waivers, matched, asked, known)


def as_json(results: Sequence[RuleResult], source: str | None = None) -> str:
    """A JSON list, one object per rule. Amounts are strings: JSON readers round numbers beyond 2^53."""
    return json.dumps([_as_dict(result, source) for result in results], indent=2, ensure_ascii=False)


def as_junit(results: Sequence[RuleResult], fail_on: Severity = "error", source: str | None = None) -> str:
    """JUnit XML: a suite per system, a case per rule. A broken rule below `fail_on` says so in its output."""
    failing = {result.rule.id for result in breaks(results, fail_on)}
    root = ElementTree.Element("testsuites", name="tally check")
    for system, of_system in _by_system(results):
        suite = ElementTree.SubElement(root, "testsuite", _totals(of_system, failing), name=system)
        for result in of_system:
            name = f"{result.rule.id} {result.rule.title}"
            case = ElementTree.SubElement(suite, "testcase", classname=f"tally.{system}", name=name)
            case.set("time", _seconds([result]))
            _add_outcome(case, result, result.rule.id in failing, source)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def next_command(result: RuleResult, source: str | None) -> str:
    """What to run to see more of a broken rule. The analyst role may read `audit`, but not raw tables."""
    again = f"tally check{f' --from {shlex.quote(source)}' if source else ''}"
    again += f" --system {result.rule.system}" if result.rule.tables else ""
    if result.status == "error":
        return f"{again} --debug"
    if source:
        return f"{again} --format json"
    samples = "select jsonb_array_elements(samples) from audit.gate_state"
    return f"tally sql \"{samples} where rule_id = '{result.rule.id}'\""


def _by_system(results: Sequence[RuleResult]) -> Iterator[tuple[str, list[RuleResult]]]:
    in_order = sorted(results, key=lambda result: (result.rule.system, result.rule.id))
    for system, of_system in groupby(in_order, key=lambda result: result.rule.system):
        yield system, list(of_system)


def _counts(results: Sequence[RuleResult]) -> str:
    count = Counter(result.status for result in results)
    asked = len(results) - count["not_applicable"]
    parts = [f"{count['passed']} of {asked} rules hold"]
    parts += [f"{count['waived']} waived"] if count["waived"] else []
    parts += [f"{count['failed']} failed"] if count["failed"] else []
    parts += [f"{count['error']} could not be asked"] if count["error"] else []
    parts += [f"{count['not_applicable']} not applicable"] if count["not_applicable"] else []
    return ", ".join(parts)


def _broken(result: RuleResult, source: str | None) -> Text:
    text = Text()
    text.append(f"  {result.status} ", STYLES[result.status])
    text.append(f"{result.rule.id} ", "bold").append(f"({result.rule.severity}) {result.rule.title}\n")
    text.append(f"    {result.verdict}{_examples(result)}\n")
    for waiver in result.waivers:
        text.append(f"    waiver of {waiver.subject}: until {waiver.expires}, {waiver.who}: {waiver.reason}\n")
    text.append(f"    {next_command(result, source)}\n", "cyan")
    return text


def _examples(result: RuleResult) -> str:
    subjects = [sample.subject or "(none)" for sample in result.samples if not sample.is_waived]
    return f": {', '.join(subjects[:SUBJECTS_SHOWN])}" if subjects else ""


def _annotation(level: str, title: str, message: str) -> str:
    """One workflow command; it ends with its line, so breaks and its own signs are written as GitHub wants them."""
    for sign, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        message, title = message.replace(sign, code), title.replace(sign, code)
    title = title.replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={title}::{message}"


def _as_dict(result: RuleResult, source: str | None) -> dict[str, Any]:
    return {
        "system": result.rule.system,
        "rule_id": result.rule.id,
        "title": result.rule.title,
        "severity": result.rule.severity,
        "status": result.status,
        "table": next(iter(result.rule.tables), None),
        "rows_evaluated": result.rows_evaluated,
        "asked_of_new_rows": result.is_of_new_rows,
        "breaking_rows": result.breaking_rows,
        "waived_rows": result.waived_rows,
        "months": list(result.months),
        "amount": None if result.amount is None else str(result.amount),
        "unit": result.rule.unit,
        "samples": json.loads(samples_as_json(result.samples)),
        "message": result.message,
        "seconds": round(result.seconds, 3),
        "waivers": [
            {"subject": each.subject, "reason": each.reason, "who": each.who, "expires": each.expires.isoformat()}
            for each in result.waivers
        ],
        "next_command": next_command(result, source) if result.is_broken else None,
    }


def _totals(results: Sequence[RuleResult], failing: set[str]) -> dict[str, str]:
    broken = Counter(result.status for result in results if result.rule.id in failing)
    return {
        "tests": str(len(results)),
        "failures": str(broken["failed"]),
        "errors": str(broken["error"]),
        "skipped": str(sum(result.status == "not_applicable" for result in results)),
        "time": _seconds(results),
    }


def _add_outcome(case: ElementTree.Element, result: RuleResult, is_failing: bool, source: str | None) -> None:
    if result.status == "not_applicable":
        ElementTree.SubElement(case, "skipped", message=result.verdict)
    elif is_failing:
        kind = "failure" if result.status == "failed" else "error"
        outcome = ElementTree.SubElement(case, kind, type=result.rule.severity, message=result.verdict)
        outcome.text = f"{samples_as_json(result.samples)}\n{next_command(result, source)}"
    elif result.is_broken or result.waived_rows:
        ElementTree.SubElement(case, "system-out").text = f"{result.rule.severity}: {result.verdict}"


def _seconds(results: Sequence[RuleResult]) -> str:
    return f"{sum(result.seconds for result in results):.3f}"
