"""A rule that held is asked of what new loads touch alone, and finds there what it would find among all rows."""

from collections.abc import Iterator

import psycopg
import pytest

from expectations.results import RuleResult
from expectations.rule import Rule, Scope, Summary
from expectations.run import check
from tests.expectations.toy import rule

USERS = Scope("toy_users", {"wallet_ledger": "user_id"})
BALANCES = Summary(
    "toy_balances",
    """
    select user_id, sum(case type when 'credit' then amount_int else -amount_int end) as balance, max(created_at) as at
    from raw_funpot.wallet_ledger
    where in_scope(user_id)
    group by user_id
    """,
    USERS,
)
NEVER_NEGATIVE = rule(
    query="""
        select user_id::text as subject, -balance as amount, null::jsonb as evidence, at as happened_at
        from toy_balances
        where balance < 0
    """,
    reads=(BALANCES,),
    scope=USERS,
)
POSTING = """
    insert into raw_funpot.wallet_ledger (id, user_id, type, amount_int, currency, reason, created_at, _load_id)
    values (gen_random_uuid(), lpad(%s, 32, '0')::uuid, %s, %s, 'INT', 'stars_topup', '2026-06-01', %s)
"""


class Wallets:
    """Postings of users, each brought by a load of its own, and the rules asked of them."""

    def __init__(self, database: str, connection: psycopg.Connection) -> None:
        self.database = database
        self.connection = connection
        connection.execute(
            "create table if not exists raw_funpot.wallet_ledger_2026_06 partition of raw_funpot.wallet_ledger"
            " for values from ('2026-06-01') to ('2026-07-01')"
        )

    def load(self, table: str = "wallet_ledger") -> int:
        [(load_id,)] = self.connection.execute(
            "insert into ingest.loads (system, table_name, delivered_on, path, content_hash, size_bytes, status)"
            " select 'funpot', %s, date '2026-06-30', number, number, 1, 'loaded'"
            " from (select count(*)::text as number from ingest.loads) as numbers returning load_id",
            [table],
        ).fetchall()
        self.connection.commit()
        return int(load_id)

    def post(self, user: int, type: str, amount: int) -> None:
        self.connection.execute(POSTING, (str(user), type, amount, self.load()))
        self.connection.commit()

    def ask(self, *rules: Rule, only_new_rows: bool = True) -> list[RuleResult]:
        return check(self.database, rules, judged_systems=["funpot"], only_new_rows=only_new_rows)


@pytest.fixture
def wallets(database: str, connection: psycopg.Connection) -> Iterator[Wallets]:
    wallets = Wallets(database, connection)
    wallets.post(1, "credit", 10)
    wallets.post(2, "credit", 10)
    yield wallets


def test_the_first_time_every_row_is_looked_at(wallets: Wallets) -> None:
    [result] = wallets.ask(NEVER_NEGATIVE)
    assert (result.status, result.rows_evaluated, result.is_of_new_rows) == ("passed", 2, False)


def test_later_only_new_rows_are_and_a_break_among_them_is_found(wallets: Wallets) -> None:
    wallets.ask(NEVER_NEGATIVE)
    wallets.post(1, "debit", 25)
    [result] = wallets.ask(NEVER_NEGATIVE)
    assert (result.status, result.rows_evaluated, result.is_of_new_rows) == ("failed", 1, True)
    assert (result.breaking_rows, result.amount, result.months) == (1, 15, ("2026-06",))


def test_rows_of_untouched_keys_are_left_alone(wallets: Wallets) -> None:
    wallets.ask(NEVER_NEGATIVE)
    wallets.connection.execute("set session_replication_role = replica")
    wallets.connection.execute("update raw_funpot.wallet_ledger set type = 'debit' where user_id::text like '%2'")
    wallets.post(1, "credit", 1)
    [narrow] = wallets.ask(NEVER_NEGATIVE)
    [whole] = wallets.ask(NEVER_NEGATIVE, only_new_rows=False)
    assert (narrow.status, whole.status) == ("passed", "failed")


def test_without_new_rows_nothing_is_asked(wallets: Wallets) -> None:
    wallets.ask(NEVER_NEGATIVE)
    [result] = wallets.ask(NEVER_NEGATIVE)
    assert (result.status, result.rows_evaluated, result.message) == ("passed", 0, "nothing new since it held")


def test_a_rule_that_did_not_hold_is_asked_of_every_row_until_it_does(wallets: Wallets) -> None:
    wallets.post(1, "debit", 25)
    wallets.ask(NEVER_NEGATIVE)
    wallets.post(2, "credit", 1)
    [result] = wallets.ask(NEVER_NEGATIVE)
    assert (result.status, result.rows_evaluated, result.is_of_new_rows) == ("failed", 4, False)
    wallets.post(1, "credit", 15)
    assert [each.status for each in wallets.ask(NEVER_NEGATIVE)] == ["passed"]
    [result] = wallets.ask(NEVER_NEGATIVE)
    assert result.is_of_new_rows


def test_a_reworded_rule_is_asked_of_every_row(wallets: Wallets) -> None:
    wallets.ask(NEVER_NEGATIVE)
    wallets.post(1, "credit", 1)
    reworded = rule(query=NEVER_NEGATIVE.query + " -- really", reads=(BALANCES,), scope=USERS)
    assert not wallets.ask(reworded)[0].is_of_new_rows


def test_a_rule_that_is_new_in_the_catalogue_is_asked_of_every_row(wallets: Wallets) -> None:
    wallets.ask()
    assert not wallets.ask(NEVER_NEGATIVE)[0].is_of_new_rows


def test_new_rows_of_a_table_that_the_scope_does_not_follow_ask_for_every_row(wallets: Wallets) -> None:
    both = rule(
        query=NEVER_NEGATIVE.query + " and not exists (select from raw_funpot.wallet_accounts where false)",
        reads=(BALANCES,),
        scope=USERS,
    )
    wallets.ask(both)
    wallets.load("wallet_accounts")
    [result] = wallets.ask(both)
    assert (result.rows_evaluated, result.is_of_new_rows) == (2, False)


def test_the_first_delivery_of_a_table_asks_for_every_row(wallets: Wallets) -> None:
    """Rows that were there before may have had nothing to be held against until now."""
    scope = Scope("toy_owners", {"wallet_ledger": "user_id", "users": "id"})
    owned = rule(
        query="select user_id::text as subject, null::numeric as amount, null::jsonb as evidence,"
        " created_at as happened_at"
        " from raw_funpot.wallet_ledger where in_scope(user_id)"
        " and user_id not in (select id from raw_funpot.users)"
        " and exists (select from ingest.loads where table_name = 'users')",
        scope=scope,
    )
    wallets.ask(owned)
    wallets.load("users")
    [result] = wallets.ask(owned)
    assert (result.status, result.breaking_rows, result.is_of_new_rows) == ("failed", 2, False)


def test_a_rule_on_a_table_without_new_rows_is_asked_of_keys_that_others_touch(wallets: Wallets) -> None:
    """And that it is does not make the table one with new rows: a rule that reads no other is not asked."""
    scope = Scope("toy_both", {"wallet_accounts": "user_id", "wallet_ledger": "user_id"})
    on_accounts = rule(
        tables=("wallet_accounts", "wallet_ledger"),
        query="select user_id::text as subject, 1::numeric as amount, null::jsonb as evidence,"
        " max(created_at) as happened_at from raw_funpot.wallet_ledger where in_scope(user_id)"
        " and not exists (select from raw_funpot.wallet_accounts where false)"
        " group by user_id having sum(amount_int) > 100",
        scope=scope,
    )
    on_nothing_else = rule(id="T-02", tables=("wallet_accounts",))
    wallets.load("wallet_accounts")
    wallets.ask(on_accounts, on_nothing_else)
    wallets.post(1, "credit", 100)
    touched, untouched = wallets.ask(on_accounts, on_nothing_else)
    assert (touched.status, touched.rows_evaluated, touched.is_of_new_rows) == ("failed", 0, True)
    assert (untouched.status, untouched.message) == ("passed", "nothing new since it held")


def test_what_was_sealed_is_left_to_whole_runs(wallets: Wallets) -> None:
    wallets.connection.execute("set session_replication_role = replica")
    wallets.connection.execute("insert into audit.seal_trees values (1, 'funpot', 'wallet_ledger', null, 2, '', 2)")
    wallets.connection.commit()
    sealed = rule(needs_seal=True)
    assert [each.status for each in wallets.ask(sealed)] == ["passed"]
    wallets.post(1, "credit", 1)
    [result] = wallets.ask(sealed)
    assert (result.status, result.rows_evaluated) == ("passed", 0)


def test_a_summary_is_whole_if_one_of_its_readers_needs_it_whole(wallets: Wallets) -> None:
    wallets.ask(NEVER_NEGATIVE)
    wallets.post(1, "credit", 1)
    total = rule(
        id="T-02",
        query="select 'all' as subject, sum(balance) as amount, null::jsonb as evidence,"
        " null::timestamptz as happened_at from toy_balances having sum(balance) <> 21",
        reads=(BALANCES,),
    )
    narrow, whole = wallets.ask(NEVER_NEGATIVE, total)
    assert (narrow.status, narrow.is_of_new_rows) == ("passed", True)
    assert (whole.status, whole.is_of_new_rows) == ("passed", False)


def test_a_summary_that_crashes_leaves_its_readers_without_a_verdict_and_nobody_else(wallets: Wallets) -> None:
    broken = Summary("toy_broken", "select 1 / 0 as balance")
    asked = rule(id="T-02", query=NEVER_NEGATIVE.query.replace("toy_balances", "toy_broken"), reads=(broken,))
    assert [each.status for each in wallets.ask(asked, NEVER_NEGATIVE)] == ["error", "passed"]


def test_all_rules_see_one_moment(wallets: Wallets) -> None:
    """A row that arrives between two rules is seen by neither, nor is its load judged."""
    results = []

    def arrive(result: RuleResult) -> None:
        results.append(result)
        if len(results) == 1:
            wallets.post(1, "debit", 25)

    check(
        wallets.database,
        [rule(id="T-00"), NEVER_NEGATIVE],
        on_rule=arrive,
        judged_systems=["funpot"],
    )
    assert [each.status for each in results] == ["passed", "passed"]
    held = wallets.connection.execute("select system, rules, loads_without_verdict from audit.held_systems").fetchall()
    assert held == [("funpot", [], 1)]
