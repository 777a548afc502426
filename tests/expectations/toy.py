"""A rule to change in one point, and deliveries for it, so that a test shows only what it is about."""

from dataclasses import replace
from typing import Any

import psycopg

from expectations.rule import Rule

TOY = Rule(
    id="T-01",
    system="funpot",
    title="Nothing is wrong.",
    severity="critical",
    unit="INT",
    tables=("wallet_ledger",),
    query="select 'x' as subject, 1::numeric as amount, null::jsonb as evidence, null::timestamptz as happened_at"
    " where false",
    mutations=(),
)


def rule(**changes: Any) -> Rule:
    """The toy rule with some fields changed; it holds unless `query` is."""
    return replace(TOY, **changes)


def breaking(
    count: int, amount: str = "n::numeric", evidence: str = "null::jsonb", happened_at: str = "null::timestamptz"
) -> str:
    """A query that gives `count` rows, numbered by `n`."""
    return (
        f"select n::text as subject, {amount} as amount, {evidence} as evidence, {happened_at} as happened_at"
        f" from generate_series(1, {count}) as n"
    )


def deliver(database: str, *tables: str, system: str = "funpot") -> None:
    """Note a loaded file for each of these tables."""
    with psycopg.connect(database) as connection:
        for table in tables:
            connection.execute(
                "insert into ingest.loads (system, table_name, delivered_on, path, content_hash, size_bytes, status)"
                " values (%(system)s, %(table)s, date '2026-06-30', %(table)s, %(table)s, 1, 'loaded')",
                {"system": system, "table": table},
            )
