"""The gates: asks rules of raw data, keeps the verdicts and writes Data Docs.

Great Expectations is imported inside functions, because loading it takes three to seven seconds.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import psycopg
from psycopg import Connection

from expectations.results import RuleResult, store
from expectations.rule import Rule
from ingest.errors import DatabaseUnreachableError


def check(
    conninfo: str,
    rules: Iterable[Rule],
    docs_folder: Path | None = None,
    on_rule: Callable[[RuleResult], None] | None = None,
) -> list[RuleResult]:
    """Ask the rules, one after the other in the order given, and return the verdicts.

    `on_rule` is called after each rule. The verdicts are written to `audit.gate_results` together, once all
    are known; then Data Docs go to `docs_folder`, if one is named. Raises DatabaseUnreachableError when no
    server answers.
    """
    from expectations.session import Session

    results = []
    with _connect(conninfo) as connection:
        _read_only_in_utc(connection)
        delivered, sealed = _delivered_tables(connection), _sealed_tables(connection)
        session = Session(connection)
        for rule in rules:
            reason = _why_not_applicable(rule, delivered, sealed)
            result = session.skip(rule, reason) if reason else session.ask(rule)
            results.append(result)
            if on_rule:
                on_rule(result)
    with _connect(conninfo) as connection:
        store(connection, results)
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


def _read_only_in_utc(connection: Connection) -> None:
    """No rule may write, and a day in its evidence is a UTC day."""
    connection.execute("set default_transaction_read_only = on")
    connection.execute("set timezone = 'UTC'")
    connection.commit()


def _delivered_tables(connection: Connection) -> set[tuple[str, str]]:
    """The (system, table) pairs of which at least one file was loaded."""
    rows = connection.execute("select distinct system, table_name from ingest.loads where status = 'loaded'")
    delivered = set(rows.fetchall())
    connection.commit()
    return delivered


def _sealed_tables(connection: Connection) -> set[tuple[str, str]]:
    """The (system, table) pairs of which rows were sealed."""
    sealed = set(connection.execute("select distinct system, table_name from audit.seal_trees").fetchall())
    connection.commit()
    return sealed


def _why_not_applicable(rule: Rule, delivered: set[tuple[str, str]], sealed: set[tuple[str, str]]) -> str | None:
    """What the rule waits for; None when it can be asked."""
    if rule.needs_seal and not any((rule.system, table) in sealed for table in rule.tables):
        return "no row was sealed yet; `tally seal` does that"
    missing = [table for table in rule.tables if (rule.system, table) not in delivered]
    if not missing or (not rule.needs_all and len(missing) < len(rule.tables)):
        return None
    names = ", ".join(f"raw_{rule.system}.{table}" for table in missing)
    return f"{names} never had a delivery"
