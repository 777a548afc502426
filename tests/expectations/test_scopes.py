"""Asked of some keys only, a rule says of them what it says of them among all rows; and no key is left out."""

import re

import psycopg
import pytest

from expectations.catalogue import rules_for
from expectations.rule import Mutation, Rule, Scope, narrowed, whole
from expectations.summaries import create_summary
from ingest.contract import System, read_contracts
from ingest.settings import SHIPPED_CONTRACTS

SYSTEMS = read_contracts([SHIPPED_CONTRACTS])
SCOPED = [rule for system in SYSTEMS for rule in rules_for(system) if rule.scope]
MUTATIONS = [(rule, mutation) for rule in SCOPED for mutation in rule.mutations]
HALVES = 2

scoped = pytest.mark.parametrize("rule", SCOPED, ids=lambda rule: rule.id)


def scope_of(rule: Rule) -> Scope:
    assert rule.scope
    return rule.scope


def touch(connection: psycopg.Connection, rule: Rule, half: int) -> None:
    """List every other key that any row of the rule's tables touches."""
    scope = scope_of(rule)
    keys = " union all ".join(
        f"select {expression} as key from raw_{rule.system}.{table}" for table, expression in scope.keys.items()
    )
    connection.execute(
        f"create temporary table touched_{scope.name} as select distinct key from ({keys}) as keys"
        f" where key is not null and abs(hashtext(key::text)) % {HALVES} = {half}"
    )


def breaks(connection: psycopg.Connection, rule: Rule, half: int | None = None) -> list[tuple[str, str]]:
    """The subjects and amounts that break the rule, among all keys or one half of them."""
    with connection.transaction(force_rollback=True):
        if half is not None:
            touch(connection, rule, half)
        for summary in rule.reads:
            narrow = summary.scope and half is not None
            create_summary(connection, summary, narrowed(summary.query, scope_of(rule)) if narrow else None)
        query = whole(rule.query) if half is None else narrowed(rule.query, scope_of(rule))
        return connection.execute(f"select subject, amount::text from ({query}) as breaking").fetchall()


@pytest.mark.parametrize(
    ("rule", "mutation"), MUTATIONS, ids=[f"{rule.id} {mutation.name}" for rule, mutation in MUTATIONS]
)
def test_the_breaks_of_two_halves_of_the_keys_are_all_breaks(
    sample_database: str, rule: Rule, mutation: Mutation
) -> None:
    with (
        psycopg.connect(sample_database, options="-c timezone=UTC") as connection,
        connection.transaction(force_rollback=True),
    ):
        connection.execute("set local session_replication_role = replica")
        connection.execute(mutation.sql)
        # A posting that names two deals is a break of both.
        halves = {found for half in range(HALVES) for found in breaks(connection, rule, half)}
        assert halves == set(breaks(connection, rule)) != set()


@scoped
def test_a_scope_follows_only_tables_whose_rows_say_what_changed(rule: Rule) -> None:
    """A table that arrives whole does not tell which rows left it."""
    modes = {table.name: table.load_mode for system in SYSTEMS if system.name == rule.system for table in system.tables}
    modes |= {f"{name}_versions": mode for name, mode in modes.items() if mode == "upsert"}
    assert set(scope_of(rule).keys) <= set(modes)
    assert "replace" not in {modes[table] for table in scope_of(rule).keys}


@scoped
def test_what_a_scoped_rule_reads_is_of_the_same_scope(rule: Rule) -> None:
    assert "in_scope(" in "".join([rule.query, *(summary.query for summary in rule.reads)])
    assert {summary.scope for summary in rule.reads if summary.scope} <= {rule.scope}


def test_no_two_scopes_or_summaries_share_a_name(systems: tuple[System, ...]) -> None:
    rules = [rule for system in systems for rule in rules_for(system)]
    scopes = {id(rule.scope): rule.scope.name for rule in rules if rule.scope}
    summaries = {id(summary): summary.name for rule in rules for summary in rule.reads}
    for names in (list(scopes.values()), list(summaries.values())):
        assert len(set(names)) == len(names)


@scoped
def test_a_scoped_rule_that_grants_a_delay_is_asked_again_of_what_came_lately(rule: Rule) -> None:
    """The newest instant moves on with rows of other keys; what only their coming breaks would be missed."""
    texts = [rule.query, *(summary.query for summary in rule.reads)]
    if any("newest" in text for text in texts) and any(re.search(r"interval '\d+ (minute|hour|day)", t) for t in texts):
        assert scope_of(rule).waits
