"""What became of a rule when it was asked: the verdict, and how it is kept in `audit.gate_results`."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID, uuid4

from psycopg import Connection

from expectations.rule import Rule

Status = Literal["passed", "failed", "error", "not_applicable"]


@dataclass(frozen=True)
class Sample:
    """One subject that breaks a rule: what is at stake for it, and the evidence its query gave."""

    subject: str | None
    amount: Decimal | None
    evidence: Any


@dataclass(frozen=True)
class RuleResult:
    """The verdict on one rule.

    `breaking_rows` and `amount` are exact however many rows break the rule; `samples` holds some of them, the
    largest amounts first. `amount` adds up magnitudes in the rule's unit, so that a surplus never hides a
    shortage; it is None when the rule has no unit or nothing breaks it. An `error` means that the question
    could not be asked: it says nothing about the data, and `breaking_rows` is None, as for `not_applicable`.
    """

    rule: Rule
    status: Status
    breaking_rows: int | None = None
    amount: Decimal | None = None
    samples: tuple[Sample, ...] = ()
    message: str | None = None
    seconds: float = 0.0

    @property
    def is_broken(self) -> bool:
        """Whether the rule is not known to hold: rows break it, or it could not be asked."""
        return self.status in ("failed", "error")

    @property
    def verdict(self) -> str:
        """The verdict in words, with the exact count and amount."""
        if self.status == "failed":
            rows = f"{self.breaking_rows:,} row{'' if self.breaking_rows == 1 else 's'}"
            return rows if self.amount is None else f"{rows}, {self.amount:,f} {self.rule.unit} at stake"
        if self.status == "error":
            return f"no verdict: {self.message}"
        return self.message or "holds"


def samples_as_json(samples: Iterable[Sample]) -> str:
    """A JSON list of the samples. Amounts are strings, because JSON readers round numbers beyond 2^53."""
    return json.dumps([vars(sample) for sample in samples], default=str, ensure_ascii=False)


def store(connection: Connection, results: Iterable[RuleResult]) -> UUID:
    """Write one gate run to `audit.gate_results`, in one transaction; returns its `gate_run_id`."""
    gate_run_id = uuid4()
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "insert into audit.gate_results (gate_run_id, system, rule_id, title, severity, status,"
            " breaking_rows, amount, unit, samples, message)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s)",
            [
                (
                    gate_run_id,
                    result.rule.system,
                    result.rule.id,
                    result.rule.title,
                    result.rule.severity,
                    result.status,
                    result.breaking_rows,
                    result.amount,
                    result.rule.unit,
                    samples_as_json(result.samples),
                    result.message,
                )
                for result in results
            ],
        )
    return gate_run_id
