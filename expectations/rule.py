"""What a rule is: one truth about raw data, the query of rows that break it, and how to break it on purpose."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "error", "warn"]


@dataclass(frozen=True)
class Mutation:
    """A small corruption of good data that the rule must notice: one SQL statement on raw tables."""

    name: str
    sql: str


@dataclass(frozen=True)
class Rule:
    """One invariant of one system.

    `query` selects the rows that break the rule, one per subject: `subject text`, `amount numeric` (what is at
    stake, in `unit`; null when nothing is), `evidence jsonb`. `tables` names the raw tables it reads, the one it
    speaks about first. The rule is not applicable until all of them (`needs_all`), or one of them, had a delivery.
    """

    id: str
    system: str
    title: str
    severity: Severity
    unit: str | None
    tables: tuple[str, ...]
    query: str
    mutations: tuple[Mutation, ...]
    needs_all: bool = True

    @property
    def name(self) -> str:
        """The id and title as a check name: letters, digits and underscores."""
        words = "".join(letter if letter.isalnum() else " " for letter in self.title.lower()).split()
        return "_".join([self.id.replace("-", "_"), *words[:8]])
