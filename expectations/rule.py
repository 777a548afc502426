"""What a rule is: one truth about raw data, the query of rows that break it, and how to break it on purpose."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["critical", "error", "warn"]


@dataclass(frozen=True)
class Mutation:
    """A small corruption of good data that the rule must notice: one SQL statement on raw tables."""

    name: str
    sql: str


@dataclass(frozen=True)
class Scope:
    """The keys by which rules can be asked of new rows alone: accounts, deals, users.

    `keys` says of each table which key a row of it touches: an expression over that table's columns. It must name
    every table whose new rows can break a rule of this scope.

    `due` is a query of further keys (`key`), for rules that judge by the newest instant delivered: those that it has
    reached since the last verdict, with nothing new about them. It tells what is new by the temporary table
    `new_loads` (`load_id`).
    """

    name: str
    keys: Mapping[str, str] = field(hash=False)
    due: str | None = None


@dataclass(frozen=True)
class Summary:
    """What several rules of one system read, asked once for all of them: a temporary table of this name."""

    name: str
    query: str
    scope: Scope | None = None


@dataclass(frozen=True)
class Rule:
    """One invariant of one system.

    `query` selects the rows that break the rule, one per subject: `subject text`, `amount numeric` (what is at
    stake, in `unit`; null when nothing is), `evidence jsonb`, `happened_at timestamptz` (when the breaking row
    happened, so that the verdict names its month; null where no row has a time).

    `tables` are the raw tables that must have been delivered, the one it speaks about first; the query may read
    others. The rule is not applicable until all of them (`needs_all`), or one of them, had a delivery, with
    `needs_seal` until rows of one of them were sealed.

    `reads` are the summaries the query reads by name; one that reads another comes after it. With a `scope`, the
    query holds conditions `in_scope(key)`: what rows of other keys say stands as it stood. Where keys are days,
    `from_scope(instant)` beside it lets the partitions before the first of them be left out. Summaries are narrowed
    likewise, each by its own scope.
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
    needs_seal: bool = False
    reads: tuple[Summary, ...] = ()
    scope: Scope | None = None

    @property
    def scopes(self) -> set[Scope]:
        """Its own scope and those of what it reads; none where it is asked of every row."""
        return {self.scope, *(each.scope for each in self.reads if each.scope)} if self.scope else set()

    @property
    def name(self) -> str:
        """The id and title as a check name: letters, digits and underscores."""
        words = "".join(letter if letter.isalnum() else " " for letter in self.title.lower()).split()
        return "_".join([self.id.replace("-", "_"), *words[:8]])


_IN_SCOPE = re.compile(r"\bin_scope\(([\w.]+)\)")
_FROM_SCOPE = re.compile(r"\bfrom_scope\(([\w.]+)\)")


def whole(query: str) -> str:
    """The query of a rule or summary asked of every row."""
    return _FROM_SCOPE.sub("true", _IN_SCOPE.sub("true", query))


def narrowed(query: str, scope: Scope) -> str:
    """The query asked of touched keys alone, which the temporary table `touched_<scope>` lists in `key`."""
    query = _FROM_SCOPE.sub(rf"\1 >= (select min(key) from touched_{scope.name})", query)  # noqa: S608 - our own text
    return _IN_SCOPE.sub(rf"\1 in (select key from touched_{scope.name})", query)  # noqa: S608 - our own text
