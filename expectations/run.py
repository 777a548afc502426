"""The gates: asks rules of raw data, keeps the verdicts and writes Data Docs.

Great Expectations is imported inside functions, because loading it takes three to seven seconds.
"""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import psycopg
from psycopg import Connection

from expectations.question import questions, read_loads
from expectations.results import RuleResult, store
from expectations.rule import Rule
from expectations.snapshot import snapshot
from expectations.summaries import prepare
from expectations.waivers import Waiver, today
from ingest.errors import DatabaseUnreachableError


def check(
    conninfo: str,
    rules: Sequence[Rule],
    docs_folder: Path | None = None,
    on_rule: Callable[[RuleResult], None] | None = None,
    waivers: Sequence[Waiver] = (),
    judged_systems: Collection[str] = (),
    only_new_rows: bool = False,
) -> list[RuleResult]:
    """Ask the rules, one after the other in the order given, and return the verdicts.

    All see the warehouse at one moment. `judged_systems` are those of which every rule is given: the loads that
    these rules saw are judged by this run. With `only_new_rows` what held before is asked of rows since.

    `on_rule` is called after each rule. The verdicts are written to `audit` together, once all are known; then
    Data Docs go to `docs_folder`, if one is named. Raises DatabaseUnreachableError when no server answers.
    """
    from expectations.session import Session

    results = []
    with snapshot(conninfo) as connection:
        loads = read_loads(connection, {*judged_systems, *(rule.system for rule in rules)})
        asked = questions(connection, rules, loads, only_new_rows)
        prepare(connection, asked, loads)
        connection.close_for_writing()
        session = Session(connection, waivers, today())
        for question in asked:
            result = session.ask(question)
            results.append(result)
            if on_rule:
                on_rule(result)
    with _connect(conninfo) as storing:
        store(storing, results, {system: loads for system in judged_systems})
    if docs_folder and results:
        from expectations.docs import write_docs

        write_docs(session.validations, docs_folder)
    return results


def _connect(conninfo: str) -> Connection:
    try:
        return psycopg.connect(conninfo)
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        raise DatabaseUnreachableError(f"The database does not answer: {reason}") from error
