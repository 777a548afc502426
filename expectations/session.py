"""One database connection and one Great Expectations context, through which rules are asked one by one.

Import it inside functions only: it loads Great Expectations, which takes seconds.
"""

import json
import time
from contextlib import suppress
from decimal import Decimal
from typing import Any

import great_expectations as gx
import psycopg
from great_expectations.core import ExpectationValidationResult
from psycopg import Connection, sql
from sqlalchemy.pool import StaticPool

from expectations.expectation import expectation
from expectations.results import RuleResult, Sample
from expectations.rule import Rule, Summary, whole


class Session:
    """Asks rules of the database behind `connection`, which it only reads and does not close.

    `validations` keeps what Great Expectations answered, by system, for Data Docs.
    """

    def __init__(self, connection: Connection) -> None:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        self.validations: dict[str, list[ExpectationValidationResult]] = {}
        self._batches: dict[str, Any] = {}
        self._connection = connection
        self._summaries: set[str] = set()
        # It is given an open connection, so that no password gets into what it stores; the URL only names the driver.
        self._source = context.data_sources.add_postgres(
            "warehouse",
            connection_string="postgresql+psycopg://tally@localhost/tally",
            kwargs={"creator": lambda: connection, "poolclass": StaticPool},
        )

    def ask(self, rule: Rule) -> RuleResult:
        """Run the rule's query and judge its answer; a query that cannot run gives an `error`."""
        for summary in rule.reads:
            self._summarise(summary)
        started = time.perf_counter()
        validation = self._deliveries(rule.system).validate(expectation(rule), result_format="COMPLETE")
        result = judge(rule, validation, time.perf_counter() - started)
        self._keep(result, validation)
        return result

    def skip(self, rule: Rule, reason: str) -> RuleResult:
        """Note that the rule is not applicable, without asking it."""
        result = RuleResult(rule, "not_applicable", message=reason)
        asked = expectation(rule).configuration
        self._keep(result, ExpectationValidationResult(success=True, expectation_config=asked, result={}))
        return result

    def _summarise(self, summary: Summary) -> None:
        """Make the temporary table that a summary is, once. One that cannot be made leaves its readers without it."""
        if summary.name in self._summaries:
            return
        self._summaries.add(summary.name)
        with suppress(psycopg.Error), self._connection.transaction():
            self._connection.execute("set transaction read write")  # of nothing but its own temporary tables
            create_summary(self._connection, summary)

    def _deliveries(self, system: str) -> Any:
        """The batch that a system's rules are asked of, as Great Expectations wants; queries name their tables."""
        if system not in self._batches:
            query = f"select * from ingest.loads where system = '{system}'"  # noqa: S608 - a contract's name
            asset = self._source.add_query_asset(system, query=query)
            self._batches[system] = asset.add_batch_definition_whole_table("all").get_batch()
        return self._batches[system]

    def _keep(self, result: RuleResult, validation: ExpectationValidationResult) -> None:
        validation.meta.update(status=result.status, verdict=result.verdict)
        self.validations.setdefault(result.rule.system, []).append(validation)


def create_summary(connection: Connection, summary: Summary) -> None:
    """Make the temporary table of a summary, asked of every row."""
    name = sql.Identifier(summary.name)
    connection.execute(sql.SQL("create temporary table {} as ").format(name) + sql.SQL(whole(summary.query)))
    connection.execute(sql.SQL("analyze {}").format(name))


def judge(rule: Rule, validation: ExpectationValidationResult, seconds: float) -> RuleResult:
    """What Great Expectations answered as a verdict.

    An exception leaves `success` false and the result empty: that is told apart here, so that a crash of the
    query never reads as bad data.
    """
    details = (validation.result or {}).get("details")
    if details is None:
        return RuleResult(rule, "error", message=_crash(validation.exception_info), seconds=seconds)
    rows = details["unexpected_rows"]
    if not rows:
        return RuleResult(rule, "passed", breaking_rows=0, seconds=seconds)
    samples = tuple(
        Sample(
            subject=row["subject"],
            amount=_amount(rule, row["amount"]),
            evidence=row["evidence"] and json.loads(row["evidence"], parse_float=Decimal),
        )
        for row in rows
    )
    total = _amount(rule, rows[0]["total_amount"])
    return RuleResult(rule, "failed", rows[0]["breaking_rows"], total, samples, seconds=seconds)


def _amount(rule: Rule, text: str | None) -> Decimal | None:
    """An amount is a number of units; without a unit, or for a null, there is none."""
    return Decimal(text) if rule.unit and text is not None else None


def _crash(exception_info: dict[str, Any]) -> str:
    """The database's own words: the first line of the message, without SQLAlchemy's class name and query."""
    infos = [exception_info] if "exception_message" in exception_info else list(exception_info.values())
    message = str(infos[0]["exception_message"]).strip()
    first_line = message.splitlines()[0]
    return first_line.partition(") ")[2] if first_line.startswith("(psycopg.") else first_line
