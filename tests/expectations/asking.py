"""Rules asked of a connection as it is, with no gate run around them: what tests and `make mutants` need."""

from collections.abc import Sequence
from typing import Any

import psycopg

from expectations.rule import Rule, whole
from expectations.summaries import create_summary


def summarise(connection: psycopg.Connection, rules: Sequence[Rule]) -> None:
    """Make what the rules read, as a gate run does before it asks."""
    for summary in dict.fromkeys(summary for rule in rules for summary in rule.reads):
        create_summary(connection, summary)


def breaks(connection: psycopg.Connection, rules: Sequence[Rule]) -> dict[str, list[tuple[Any, ...]]]:
    """The rules that rows break, with three of the subjects and their evidence.

    Those on seals are not asked: rows that a test writes bear loads that were sealed without them.
    """
    rules = [rule for rule in rules if not rule.needs_seal]
    summarise(connection, rules)
    query = "select subject, evidence from ({}) as breaking limit 3"
    found = {rule.id: connection.execute(query.format(whole(rule.query)).encode()).fetchall() for rule in rules}
    return {rule_id: rows for rule_id, rows in found.items() if rows}
