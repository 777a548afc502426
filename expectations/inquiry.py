"""Asks the rules of several systems side by side, all of one moment of the warehouse.

Great Expectations is imported inside functions, because loading it takes three to seven seconds.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING

import psycopg

from expectations.question import Loads, questions
from expectations.results import RuleResult
from expectations.rule import Rule
from expectations.snapshot import Snapshot, snapshot
from expectations.summaries import prepare
from expectations.waivers import Waiver, today

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult

# A run then takes about as long as its largest system, and a server of few cores is left some.
SYSTEMS_AT_ONCE = 2


@dataclass(frozen=True)
class Answers:
    """The verdicts on one system's rules, in their order, and what Great Expectations answered, for Data Docs."""

    results: list[RuleResult]
    validations: list["ExpectationValidationResult"]


@dataclass
class Inquiry:
    """What all rules of one gate run are asked with; `connection` stays open meanwhile.

    `on_rule` is called after each rule, from the thread that asked it, never twice at once.
    """

    conninfo: str
    connection: Snapshot
    loads: Loads
    waivers: Sequence[Waiver]
    only_new_rows: bool
    on_rule: Callable[[RuleResult], None] | None
    _telling: Lock = field(default_factory=Lock)
    _backends: list[int] = field(default_factory=list)

    def ask(self, rules: Sequence[Rule]) -> Mapping[str, Answers]:
        """The answers by system. If one system cannot be asked at all, or somebody interrupts, nothing goes on."""
        of_system: dict[str, list[Rule]] = defaultdict(list)
        for rule in rules:
            of_system[rule.system].append(rule)
        moment = self.connection.moment()
        with ThreadPoolExecutor(SYSTEMS_AT_ONCE) as pool:
            asking = {
                system: pool.submit(self._ask_system, of_system[system], moment)
                for system in self._largest_first(of_system)
            }
            try:
                import_module("expectations.session")  # loaded while the server makes the first summaries
                return {system: asking[system].result() for system in of_system}
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self._stop()
                raise

    def _largest_first(self, systems: Iterable[str]) -> list[str]:
        """The systems by the size of their tables: asked last, the largest was waited for alone, 6 s of 16."""
        schemas = {f"raw_{system}": system for system in systems}
        found = self.connection.execute(
            "select relnamespace::regnamespace::text, sum(pg_relation_size(oid)) from pg_class"
            " where relkind = 'r' and relnamespace::regnamespace::text = any(%s) group by 1",
            [list(schemas)],
        ).fetchall()
        sizes = {schemas[schema]: size for schema, size in found}
        return sorted(schemas.values(), key=lambda system: -sizes.get(system, 0))

    def _ask_system(self, rules: Sequence[Rule], moment: str) -> Answers:
        with snapshot(self.conninfo, moment) as connection:
            self._backends.append(connection.info.backend_pid)
            asked = questions(connection, rules, self.loads, self.only_new_rows)
            prepare(connection, asked, self.loads)
            connection.close_for_writing()

            from expectations.session import Session

            session = Session(connection, rules[0].system, self.waivers, today())
            results = []
            for question in asked:
                results.append(session.ask(question))
                self._tell(results[-1])
            return Answers(results, session.validations)

    def _tell(self, result: RuleResult) -> None:
        if self.on_rule:
            with self._telling:
                self.on_rule(result)

    def _stop(self) -> None:
        """End the questions under way: nobody waits for minutes after Ctrl-C."""
        with suppress(psycopg.Error):
            self.connection.execute("select pg_terminate_backend(pid) from unnest(%s::int[]) as pid", [self._backends])
