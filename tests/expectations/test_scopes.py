"""Asked of some keys only, a rule says of them what it says of them among all rows; and no key is left out."""

from collections import defaultdict
from datetime import date

import psycopg
import pytest

from expectations.catalogue import rules_for
from expectations.question import Loads
from expectations.rule import Mutation, Rule, narrowed, whole
from expectations.summaries import create_summary, list_touched_keys
from ingest.contract import System, read_contracts
from ingest.settings import SHIPPED_CONTRACTS

SYSTEMS = read_contracts([SHIPPED_CONTRACTS])
SCOPED = [rule for system in SYSTEMS for rule in rules_for(system) if rule.scope]
MUTATIONS = [(rule, mutation) for rule in SCOPED for mutation in rule.mutations]
HALVES = 2
DELIVERIES = 4

scoped = pytest.mark.parametrize("rule", SCOPED, ids=lambda rule: rule.id)


def touch(connection: psycopg.Connection, rule: Rule, half: int) -> None:
    """List every other key that any row of the rule's tables touches."""
    for scope in rule.scopes:
        keys = " union all ".join(
            f"select {expression} as key from raw_{rule.system}.{table}" for table, expression in scope.keys.items()
        )
        connection.execute(
            f"create temporary table touched_{scope.name} as select distinct key from ({keys}) as keys"
            f" where key is not null and abs(hashtext(key::text)) % {HALVES} = {half}"
        )


def breaks(connection: psycopg.Connection, rule: Rule, *, among_touched: bool = False) -> set[tuple[str, str]]:
    """The subjects and amounts that break the rule, among all keys or those that are listed as touched."""
    for summary in rule.reads:
        narrow = narrowed(summary.query, summary.scope) if summary.scope and among_touched else None
        create_summary(connection, summary, narrow)
    query = narrowed(rule.query, rule.scope) if rule.scope and among_touched else whole(rule.query)
    return set(connection.execute(f"select subject, amount::text from ({query}) as breaking").fetchall())


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
        found = set()
        for half in range(HALVES):
            with connection.transaction(force_rollback=True):
                touch(connection, rule, half)
                found |= breaks(connection, rule, among_touched=True)
        assert found == breaks(connection, rule) != set()


def last_deliveries(connection: psycopg.Connection, system: str) -> list[Loads]:
    """What came on each of the last days of delivery, the last one first."""
    rows = connection.execute(
        "select table_name, delivered_on, load_id from ingest.loads where system = %s order by delivered_on desc",
        [system],
    ).fetchall()
    days: dict[date, Loads] = defaultdict(lambda: Loads(delivered={(system, table) for table, *_ in rows}))
    for table, delivered_on, load_id in rows:
        days[delivered_on].new[system, table][load_id] = None
    return list(days.values())[:DELIVERIES]


def take_back(connection: psycopg.Connection, loads: Loads) -> None:
    """As if a delivery had not come yet."""
    drop_rows(connection, loads, "true")
    ids = [load_id for of_table in loads.new.values() for load_id in of_table]
    connection.execute("delete from ingest.loads where load_id = any(%s)", [ids])


def drop_rows(connection: psycopg.Connection, loads: Loads, where: str) -> None:
    """As if a delivery had brought fewer rows."""
    for (system, table), ids in loads.new.items():
        condition = f"_load_id = any(%s) and {where}"
        connection.execute(f"delete from raw_{system}.{table} as row where {condition}", [list(ids)])


def subjects(connection: psycopg.Connection, rule: Rule, loads: Loads | None = None) -> set[str]:
    """What breaks the rule, among all keys or those that loads touch; nothing is left of having asked."""
    with connection.transaction(force_rollback=True):
        if loads:
            list_touched_keys(connection, rule.system, rule.scopes, loads)
        return {subject for subject, _ in breaks(connection, rule, among_touched=bool(loads))}


@scoped
def test_what_a_delivery_breaks_is_found_among_the_keys_that_it_touches(sample_database: str, rule: Rule) -> None:
    """Also what only becomes a break as time passes.

    A twentieth of all rows is missing, so that there are breaks on every day; and nearly all of the last deliveries, so
    that these touch next to nothing themselves.
    """
    with (
        psycopg.connect(sample_database, options="-c timezone=UTC") as connection,
        connection.transaction(force_rollback=True),
    ):
        connection.execute("set local session_replication_role = replica")
        for table in rule.tables:
            connection.execute(f"delete from raw_{rule.system}.{table} as row where hashtext(row::text) % 20 = 0")
        deliveries = last_deliveries(connection, rule.system)
        for loads in deliveries:
            drop_rows(connection, loads, "hashtext(row::text) %% 100 <> 1")
        now = subjects(connection, rule)
        for loads in deliveries:
            found = subjects(connection, rule, loads)
            take_back(connection, loads)
            before = subjects(connection, rule)
            assert now - before <= found <= now
            now = before


@scoped
def test_a_scope_follows_only_tables_whose_rows_say_what_changed(rule: Rule) -> None:
    """A table that arrives whole does not tell which rows left it."""
    modes = {table.name: table.load_mode for system in SYSTEMS if system.name == rule.system for table in system.tables}
    modes |= {f"{name}_versions": mode for name, mode in modes.items() if mode == "upsert"}
    for scope in rule.scopes:
        assert set(scope.keys) <= set(modes)
        assert "replace" not in {modes[table] for table in scope.keys}


@scoped
def test_a_scoped_rule_is_narrowed_by_each_of_its_scopes(rule: Rule) -> None:
    narrowed_by = {summary.scope for summary in rule.reads if summary.scope and "in_scope(" in summary.query}
    if "in_scope(" in rule.query:
        narrowed_by.add(rule.scope)
    assert narrowed_by == rule.scopes


def test_no_two_scopes_or_summaries_share_a_name(systems: tuple[System, ...]) -> None:
    rules = [rule for system in systems for rule in rules_for(system)]
    scopes = {id(scope): scope.name for rule in rules for scope in rule.scopes}
    summaries = {id(summary): summary.name for rule in rules for summary in rule.reads}
    for names in (list(scopes.values()), list(summaries.values())):
        assert len(set(names)) == len(names)
