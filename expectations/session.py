"""One database connection and one Great Expectations context, through which a system's rules are asked one by one.

Import it inside functions only: it loads Great Expectations, which takes seconds.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import great_expectations as gx
from great_expectations.core import ExpectationValidationResult
from psycopg import Connection
from sqlalchemy.pool import StaticPool

from expectations.expectation import expectation
from expectations.question import Question
from expectations.results import RuleResult, Sample, Status
from expectations.rule import Rule
from expectations.waivers import Waiver


class Session:
    """Asks questions about one system of the warehouse behind `connection`, which it only reads and does not close.

    `waivers` hold on `day` or are expired. `validations` keeps Great Expectations' answers, for Data Docs.
    """

    def __init__(self, connection: Connection, system: str, waivers: Iterable[Waiver], day: date) -> None:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        self.validations: list[ExpectationValidationResult] = []
        self._day = day
        self._waivers: dict[str, dict[str, Waiver]] = defaultdict(dict)
        for waiver in waivers:
            self._waivers[waiver.rule][waiver.subject] = waiver
        # It is given an open connection, so that no password gets into what it stores; the URL only names the driver.
        source = context.data_sources.add_postgres(
            "warehouse",
            connection_string="postgresql+psycopg://tally@localhost/tally",
            kwargs={"creator": lambda: connection, "poolclass": StaticPool},
        )
        # Great Expectations asks of a batch; the rules' queries name their tables themselves.
        query = f"select * from ingest.loads where system = '{system}'"  # noqa: S608 - a contract's name
        asset = source.add_query_asset(system, query=query)
        self._deliveries: Any = asset.add_batch_definition_whole_table("all").get_batch()

    def ask(self, question: Question) -> RuleResult:
        """Run the question's query and judge its answer; one that cannot run gives an `error`."""
        if not question.query:
            return self._skip(question)
        started = time.perf_counter()
        waivers = self._waivers[question.rule.id]
        asked = expectation(question, waivers.values(), self._day)
        validation = self._deliveries.validate(asked, result_format="COMPLETE")
        result = judge(question, validation, time.perf_counter() - started, waivers)
        self._keep(result, validation)
        return result

    def _skip(self, question: Question) -> RuleResult:
        """There is nothing to ask: the rule is not applicable, or known to hold."""
        status: Status = "passed" if question.is_applicable else "not_applicable"
        breaking_rows = 0 if question.is_applicable else None
        result = replace(_result(question, status, 0.0), breaking_rows=breaking_rows, message=question.reason)
        asked = expectation(question).configuration
        self._keep(result, ExpectationValidationResult(success=True, expectation_config=asked, result={}))
        return result

    def _keep(self, result: RuleResult, validation: ExpectationValidationResult) -> None:
        validation.meta.update(status=result.status, verdict=result.verdict)
        self.validations.append(validation)


def judge(
    question: Question,
    validation: ExpectationValidationResult,
    seconds: float,
    waivers: Mapping[str, Waiver] = MappingProxyType({}),
) -> RuleResult:
    """What Great Expectations answered as a verdict.

    An exception leaves `success` false and the result empty: that is told apart here, so that a crash of the
    query never reads as bad data.
    """
    rule = question.rule
    details = (validation.result or {}).get("details")
    if details is None:
        return replace(_result(question, "error", seconds), message=_crash(validation.exception_info))
    rows = details["unexpected_rows"]
    if not rows:
        return replace(_result(question, "passed", seconds), breaking_rows=0)
    totals = rows[0]
    return replace(
        _result(question, "failed" if totals["breaking_rows"] else "waived", seconds),
        breaking_rows=totals["breaking_rows"],
        amount=_amount(rule, totals["total_amount"]),
        samples=tuple(_sample(rule, row) for row in rows),
        months=tuple(month for month in totals["months"] or () if month),
        waived_rows=totals["waived_rows"],
        waivers=tuple(waivers[subject] for subject in totals["listed_subjects"] or ()),
    )


def _result(question: Question, status: Status, seconds: float) -> RuleResult:
    return RuleResult(
        question.rule,
        status,
        seconds=seconds,
        rows_evaluated=question.rows_evaluated,
        is_of_new_rows=question.is_of_new_rows,
    )


def _sample(rule: Rule, row: dict[str, Any]) -> Sample:
    return Sample(
        subject=row["subject"],
        amount=_amount(rule, row["amount"]),
        evidence=row["evidence"] and json.loads(row["evidence"], parse_float=Decimal),
        is_waived=row["is_waived"],
    )


def _amount(rule: Rule, text: str | None) -> Decimal | None:
    """An amount is a number of units; without a unit, or for a null, there is none."""
    return Decimal(text) if rule.unit and text is not None else None


def _crash(exception_info: dict[str, Any]) -> str:
    """The database's own words: the first line of the message, without SQLAlchemy's class name and query."""
    infos = [exception_info] if "exception_message" in exception_info else list(exception_info.values())
    message = str(infos[0]["exception_message"]).strip()
    first_line = message.splitlines()[0]
    return first_line.partition(") ")[2] if first_line.startswith("(psycopg.") else first_line
