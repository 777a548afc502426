"""What a gate run asks: every rule of all rows, or of the new ones alone where the rest is known to hold.

A rule that held when the loads known so far were judged can only have been broken by loads since then, and by the time
that has passed in them. So it is asked of the keys that their rows touch and of those that have come due, if it has a
scope that knows all its tables, and not at all if none of its tables had a load. Every other rule is asked of all rows:
one that is new or was reworded, that did not hold, or whose tables changed in a way its scope does not follow.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from psycopg import Connection, sql

from expectations.rule import Rule, Scope, narrowed, whole
from expectations.snapshot import unless_it_crashes

_RAW_TABLE = re.compile(r"\braw_\w+\.(\w+)")


@dataclass(frozen=True)
class Question:
    """One rule as it is asked: the query, or why there is nothing to ask.

    `rows_evaluated` counts rows of the table that the rule speaks about: all of them, or those of new loads.
    """

    rule: Rule
    query: str
    is_of_new_rows: bool = False
    is_applicable: bool = True
    reason: str | None = None
    rows_evaluated: int | None = None


@dataclass
class Loads:
    """What was delivered of some systems: which tables, which of them a gate has judged before, which are sealed,
    and which loads no gate has judged yet, with their times of replay."""

    delivered: set[tuple[str, str]] = field(default_factory=set)
    judged: set[tuple[str, str]] = field(default_factory=set)
    sealed: set[tuple[str, str]] = field(default_factory=set)
    new: dict[tuple[str, str], dict[int, datetime | None]] = field(default_factory=lambda: defaultdict(dict))

    def changed_tables(self, system: str) -> set[str]:
        """The tables of a system that had a load since its last verdict."""
        return {table for of_system, table in self.new if of_system == system}

    def new_loads(self, system: str) -> tuple[list[int], list[datetime | None]]:
        """The loads of a system since its last verdict, and when each was replayed."""
        loads = {
            key: at
            for (of_system, _), of_table in self.new.items()
            if of_system == system
            for key, at in of_table.items()
        }
        return list(loads), list(loads.values())


_LOADS = """
    select
        loads.system,
        loads.table_name,
        loads.load_id,
        loads.replayed_at,
        judged.load_id is null or judged.replayed_at is distinct from loads.replayed_at as is_new
    from ingest.loads
    left join audit.judged_loads as judged on judged.load_id = loads.load_id
    where loads.status = 'loaded' and loads.system = any(%s)
"""


def read_loads(connection: Connection, systems: Iterable[str]) -> Loads:
    """The loads that the connection sees."""
    loads = Loads()
    loads.sealed |= set(connection.execute("select distinct system, table_name from audit.seal_trees").fetchall())
    rows = connection.execute(_LOADS, [sorted(set(systems))])
    for system, table, load_id, replayed_at, is_new in rows:
        loads.delivered.add((system, table))
        if is_new:
            loads.new[system, table][load_id] = replayed_at
        else:
            loads.judged.add((system, table))
    return loads


def questions(connection: Connection, rules: Sequence[Rule], loads: Loads, only_new_rows: bool) -> list[Question]:
    """The rules as they are to be asked, in their order."""
    held = _last_held(connection) if only_new_rows else {}
    count = _Counts(connection, loads)
    return [_question(rule, loads, held.get((rule.system, rule.id)) == digest(rule), count) for rule in rules]


def digest(rule: Rule) -> str:
    """Tells one wording of a rule, and of what it reads, from the next."""
    wording = repr((rule.query, rule.reads, rule.scope))
    return hashlib.sha256(wording.encode()).hexdigest()[:16]


def tables_read(rule: Rule) -> set[str]:
    """The raw tables whose rows the rule looks at; the versions of a table come with the table's own loads."""
    return set(rule.tables).union(_tables_named(rule.query), *(_tables_named(each.query) for each in rule.reads))


def _tables_named(query: str) -> set[str]:
    named = set(_RAW_TABLE.findall(query))
    return named | {name.removesuffix("_versions") for name in named}


class _Counts:
    """Rows of tables, counted once for all rules on them."""

    def __init__(self, connection: Connection, loads: Loads) -> None:
        self._connection = connection
        self._loads = loads
        self._known: dict[tuple[str, str, bool], int | None] = {}

    def __call__(self, rule: Rule, new: bool) -> int | None:
        system, table = rule.system, rule.tables[0]
        if (system, table, new) not in self._known:
            query = sql.SQL("select count(*) from {}").format(sql.Identifier(f"raw_{system}", table))
            if new:
                query += sql.SQL(" where _load_id = any({})").format(list(self._loads.new.get((system, table), ())))
            self._known[system, table, new] = None
            with unless_it_crashes(self._connection):
                self._known[system, table, new] = self._connection.execute(query).fetchall()[0][0]
        return self._known[system, table, new]


def _question(rule: Rule, loads: Loads, is_known_to_hold: bool, count: _Counts) -> Question:
    reason = _why_not_applicable(rule, loads)
    if reason:
        return Question(rule, "", is_applicable=False, reason=reason)
    changed = loads.changed_tables(rule.system) & tables_read(rule)
    # What is sealed can only be changed behind the loads' back: that is asked of every row, or not at all.
    if is_known_to_hold and (rule.needs_seal or not changed):
        return Question(rule, "", is_of_new_rows=True, reason="nothing new since it held", rows_evaluated=0)
    # The first delivery of a table can make a rule speak of rows that it had nothing to hold against before.
    is_first = any((rule.system, table) not in loads.judged for table in changed)
    if is_known_to_hold and rule.scope and _says_what_it_touches(rule, rule.scope, changed) and not is_first:
        rows = count(rule, new=True)
        return Question(rule, narrowed(rule.query, rule.scope), is_of_new_rows=True, rows_evaluated=rows)
    return Question(rule, whole(rule.query), rows_evaluated=count(rule, new=False))


def _says_what_it_touches(rule: Rule, scope: Scope, changed: set[str]) -> bool:
    """Whether new rows of these tables tell which keys they touch, to the rule and to each summary that it reads."""
    of_summaries = ((each.scope, _tables_named(each.query)) for each in rule.reads if each.scope)
    return all(changed & tables <= set(by.keys) for by, tables in [(scope, tables_read(rule)), *of_summaries])


def _why_not_applicable(rule: Rule, loads: Loads) -> str | None:
    """What the rule waits for; None when it can be asked."""
    if rule.needs_seal and not any((rule.system, table) in loads.sealed for table in rule.tables):
        return "no row was sealed yet; `tally seal` does that"
    missing = [table for table in rule.tables if (rule.system, table) not in loads.delivered]
    if not missing or (not rule.needs_all and len(missing) < len(rule.tables)):
        return None
    names = ", ".join(f"raw_{rule.system}.{table}" for table in missing)
    return f"{names} never had a delivery"


def _last_held(connection: Connection) -> dict[tuple[str, str], str]:
    """The rules that held both when their whole system was last judged and since, and how they were worded."""
    rows = connection.execute(
        "with latest as (select distinct on (system) * from audit.gate_runs order by system, asked_at desc)"
        " select state.system, state.rule_id, state.rule_digest"
        " from latest"
        " join audit.gate_results as asked using (gate_run_id, system)"
        " join audit.gate_state as state using (system, rule_id)"
        " where 'passed' = all(array[asked.status, state.status]) and asked.rule_digest = state.rule_digest"
    )
    return {(system, rule_id): wording for system, rule_id, wording in rows}
