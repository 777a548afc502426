"""The gates: asks rules of raw data, keeps the verdicts and writes Data Docs.

Great Expectations is imported inside functions, because loading it takes three to seven seconds.
"""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from expectations.inquiry import Inquiry
from expectations.question import read_loads
from expectations.results import RuleResult, store
from expectations.rule import Rule
from expectations.snapshot import connect, snapshot
from expectations.waivers import Waiver


def check(
    conninfo: str,
    rules: Sequence[Rule],
    docs_folder: Path | None = None,
    on_rule: Callable[[RuleResult], None] | None = None,
    waivers: Sequence[Waiver] = (),
    judged_systems: Collection[str] = (),
    only_new_rows: bool = False,
) -> list[RuleResult]:
    """Ask the rules, those of a system one after the other, and return the verdicts in the order given.

    All see the warehouse at one moment. `judged_systems` are those of which every rule is given: the loads that
    these rules saw are judged by this run. With `only_new_rows` what held before is asked of rows since.

    `on_rule` is called after each rule, from another thread. The verdicts are written to `audit` together, once all
    are known; then Data Docs go to `docs_folder`, if one is named. Raises DatabaseUnreachableError when no server
    answers.
    """
    with snapshot(conninfo) as connection:
        loads = read_loads(connection, {*judged_systems, *(rule.system for rule in rules)})
        answers = Inquiry(conninfo, connection, loads, waivers, only_new_rows, on_rule).ask(rules)
    verdicts = {system: iter(of_system.results) for system, of_system in answers.items()}
    results = [next(verdicts[rule.system]) for rule in rules]
    with connect(conninfo) as storing:
        store(storing, results, {system: loads for system in judged_systems})
    if docs_folder and results:
        from expectations.docs import write_docs

        write_docs({system: of_system.validations for system, of_system in answers.items()}, docs_folder)
    return results
