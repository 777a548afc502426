"""What became of a rule when it was asked: the verdict, and how it is kept in `audit.gate_results`."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID, uuid4

from psycopg import Connection

from expectations.question import Loads, digest
from expectations.rule import Rule
from expectations.waivers import Waiver

Status = Literal["passed", "waived", "failed", "error", "not_applicable"]


@dataclass(frozen=True)
class Sample:
    """One subject that breaks a rule: what is at stake for it, and the evidence its query gave."""

    subject: str | None
    amount: Decimal | None
    evidence: Any
    is_waived: bool = False


@dataclass(frozen=True)
class RuleResult:
    """The verdict on one rule.

    `breaking_rows` and `amount` are exact however many rows break the rule; `samples` holds some of them, the
    largest amounts first. `amount` adds up magnitudes in the rule's unit, so that a surplus never hides a
    shortage; it is None when the rule has no unit or nothing breaks it. An `error` means that the question
    could not be asked: it says nothing about the data, and `breaking_rows` is None, as for `not_applicable`.

    Waived subjects are counted apart, in `waived_rows`; a rule is `waived` if nothing else breaks it. `waivers` are
    those that name a breaking subject, expired ones among them. `months` are those in which breaking rows happened.
    `rows_evaluated` counts rows of the table that the rule speaks about: all of them, or those of new loads.
    """

    rule: Rule
    status: Status
    breaking_rows: int | None = None
    amount: Decimal | None = None
    samples: tuple[Sample, ...] = ()
    message: str | None = None
    seconds: float = 0.0
    months: tuple[str, ...] = ()
    waived_rows: int = 0
    waivers: tuple[Waiver, ...] = ()
    rows_evaluated: int | None = None
    is_of_new_rows: bool = False

    @property
    def is_broken(self) -> bool:
        """Whether the rule is not known to hold: rows break it, or it could not be asked."""
        return self.status in ("failed", "error")

    @property
    def verdict(self) -> str:
        """The verdict in words, with the exact counts, the months and the amount."""
        if self.status == "error":
            return f"no verdict: {self.message}"
        if not self.breaking_rows and not self.waived_rows:
            return self.message or "holds"
        words = _plural(self.breaking_rows or 0, "break")
        if self.rows_evaluated is not None:
            words += f" in {_plural(self.rows_evaluated, 'row')} of {self.rule.tables[0]}"
        if self.months:
            words += f", of {_months(self.months)}"
        if self.amount is not None:
            words += f", {self.amount:,f} {self.rule.unit} at stake"
        return words + (f", {self.waived_rows:,} more waived" if self.waived_rows else "")


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _months(months: Sequence[str]) -> str:
    """The months of breaking rows: each of a few, the first and the last of many."""
    if len(months) > 3:
        return f"{months[0]} to {months[-1]} ({len(months)} months)"
    return ", ".join(months[:-1]) + (" and " if len(months) > 1 else "") + months[-1]


def samples_as_json(samples: Iterable[Sample]) -> str:
    """A JSON list of the samples. Amounts are strings, because JSON readers round numbers beyond 2^53."""
    return json.dumps([vars(sample) for sample in samples], default=str, ensure_ascii=False)


def store(connection: Connection, results: Iterable[RuleResult], judged: Mapping[str, Loads]) -> UUID:
    """Write one gate run to `audit.gate_results`, in one transaction; returns its `gate_run_id`.

    `judged` are the systems all of whose rules were asked, and the loads that these saw.
    """
    gate_run_id = uuid4()
    rows = [
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
            result.rows_evaluated,
            list(result.months),
            result.waived_rows,
            digest(result.rule),
            result.is_of_new_rows,
            round(result.seconds, 3),
        )
        for result in results
    ]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "insert into audit.gate_results (gate_run_id, system, rule_id, title, severity, status,"
            " breaking_rows, amount, unit, samples, message, rows_evaluated, months, waived_rows, rule_digest,"
            " asked_of_new_rows, seconds)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s, %s, %s)",
            rows,
        )
        for system, loads in judged.items():
            cursor.execute("insert into audit.gate_runs (gate_run_id, system) values (%s, %s)", (gate_run_id, system))
            cursor.execute(
                "insert into audit.judged_loads (load_id, replayed_at, gate_run_id)"
                " select *, %s::uuid from unnest(%s::bigint[], %s::timestamptz[])"
                " on conflict (load_id) do update"
                " set replayed_at = excluded.replayed_at, gate_run_id = excluded.gate_run_id"
                " where judged_loads.replayed_at is distinct from excluded.replayed_at",
                (gate_run_id, *loads.new_loads(system)),
            )
    return gate_run_id


def why_held(rules: Sequence[str], loads_without_verdict: int) -> str:
    """What holds a system back, in words: its broken rules, and loads that came after its last verdict."""
    loads = f"{loads_without_verdict} load{'' if loads_without_verdict == 1 else 's'} without a verdict"
    return ", ".join([*rules, *([loads] if loads_without_verdict else [])])
