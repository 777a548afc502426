"""Every rule holds on the clean sample and notices each of its mutations.

A rule that cannot fail proves nothing: a mutation is applied alone, in a transaction that is rolled back.
"""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from expectations.catalogue import rules_for
from expectations.question import create_summary
from expectations.rule import Mutation, Rule, whole
from expectations.run import check
from ingest.contract import read_contracts
from ingest.settings import SHIPPED_CONTRACTS

RULES = [rule for system in read_contracts([SHIPPED_CONTRACTS]) for rule in rules_for(system)]
MUTATIONS = [(rule, mutation) for rule in RULES for mutation in rule.mutations]


@pytest.fixture
def sample(sample_database: str) -> Iterator[psycopg.Connection]:
    """A connection to the sample whose changes are rolled back; triggers and foreign keys are off."""
    with psycopg.connect(sample_database, options="-c timezone=UTC") as connection:
        connection.execute("set session_replication_role = replica")
        yield connection
        connection.rollback()


def summarise(connection: psycopg.Connection, rule: Rule) -> None:
    """Make what the rule reads, as a gate run does before it asks."""
    for summary in rule.reads:
        create_summary(connection, summary)


def test_every_rule_holds_on_the_clean_sample(sample_database: str, tmp_path: Path) -> None:
    results = check(sample_database, RULES, tmp_path)
    assert [f"{result.rule.id}: {result.verdict}" for result in results if result.status != "passed"] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_query_gives_subject_amount_and_evidence(sample: psycopg.Connection, rule: Rule) -> None:
    summarise(sample, rule)
    described = sample.execute(f"select * from ({whole(rule.query)}) as breaking limit 0").description
    assert described
    given = {column.name: column.type_display.partition("(")[0] for column in described}
    assert list(given)[:3] == ["subject", "amount", "evidence"]
    assert list(given.items())[3:] in ([], [("happened_at", "timestamptz")])
    assert given["subject"] in ("text", "varchar")
    assert given["amount"] == "numeric"
    assert given["evidence"] == "jsonb"


@pytest.mark.parametrize(
    ("rule", "mutation"), MUTATIONS, ids=[f"{rule.id} {mutation.name}" for rule, mutation in MUTATIONS]
)
def test_a_rule_notices_its_mutations(sample: psycopg.Connection, rule: Rule, mutation: Mutation) -> None:
    changed = sample.execute(mutation.sql).rowcount
    assert changed, "the mutation found nothing to change in the sample"
    summarise(sample, rule)
    breaking = sample.execute(
        f"select count(*), count(subject), count(amount), count(evidence) from ({whole(rule.query)}) as breaking"
    ).fetchone()
    assert breaking
    rows, subjects, amounts, evidence = breaking
    assert rows, "the mutation went unnoticed"
    assert subjects == evidence == rows, "a breaking row without subject or evidence"
    assert bool(amounts) == bool(rule.unit), "an amount is at stake if and only if the rule has a unit"
