"""Every rule holds on the clean sample and notices each of its mutations.

A rule that cannot fail proves nothing: a mutation is applied alone, in a transaction that is rolled back.
"""

from pathlib import Path

import psycopg
import pytest

from expectations.catalogue import rules_for
from expectations.report import breaks
from expectations.rule import Mutation, Rule, whole
from expectations.run import check
from ingest.contract import System, read_contracts
from ingest.landing import find_files
from ingest.load import load_files
from ingest.settings import SHIPPED_CONTRACTS
from tests.expectations.asking import summarise

RULES = [rule for system in read_contracts([SHIPPED_CONTRACTS]) for rule in rules_for(system)]
MUTATIONS = [(rule, mutation) for rule in RULES for mutation in rule.mutations]


def test_every_rule_holds_on_the_clean_sample(sample_database: str, tmp_path: Path) -> None:
    results = check(sample_database, RULES, tmp_path)
    assert [f"{result.rule.id}: {result.verdict}" for result in results if result.status != "passed"] == []


def test_no_rule_that_fails_a_check_breaks_while_the_sample_s_last_day_is_still_to_come(
    database: str, connection: psycopg.Connection, sample_landing: Path, systems: tuple[System, ...]
) -> None:
    files = find_files(sample_landing, systems)
    last = max(file.delivered_on for file in files)
    for is_last in (False, True):
        load_files(connection, systems, [file for file in files if (file.delivered_on == last) == is_last])
        connection.commit()
        judged = [system.name for system in systems]
        results = check(database, RULES, judged_systems=judged, only_new_rows=is_last)
        assert [f"{result.rule.id}: {result.verdict}" for result in breaks(results)] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_query_gives_subject_amount_evidence_and_instant(sample: psycopg.Connection, rule: Rule) -> None:
    summarise(sample, [rule])
    described = sample.execute(f"select * from ({whole(rule.query)}) as breaking limit 0").description
    assert described
    given = {column.name: column.type_display.partition("(")[0] for column in described}
    assert list(given) == ["subject", "amount", "evidence", "happened_at"]
    assert given["happened_at"] == "timestamptz"
    assert given["subject"] in ("text", "varchar")
    assert given["amount"] == "numeric"
    assert given["evidence"] == "jsonb"


@pytest.mark.parametrize(
    ("rule", "mutation"), MUTATIONS, ids=[f"{rule.id} {mutation.name}" for rule, mutation in MUTATIONS]
)
def test_a_rule_notices_its_mutations(sample: psycopg.Connection, rule: Rule, mutation: Mutation) -> None:
    changed = sample.execute(mutation.sql).rowcount
    assert changed, "the mutation found nothing to change in the sample"
    summarise(sample, [rule])
    breaking = sample.execute(
        f"select count(*), count(subject), count(amount), count(evidence) from ({whole(rule.query)}) as breaking"
    ).fetchone()
    assert breaking
    rows, subjects, amounts, evidence = breaking
    assert rows, "the mutation went unnoticed"
    assert subjects == evidence == rows, "a breaking row without subject or evidence"
    assert bool(amounts) == bool(rule.unit), "an amount is at stake if and only if the rule has a unit"
