"""What must hold of the accounts of the ad market and of the balances recorded for them: C-03 to C-07."""

from expectations.rule import Mutation, Rule
from expectations.rules.advert_market import (
    ACCOUNT,
    ACCOUNTS,
    FIRST_LEG,
    change,
    copy_legs,
    first_of,
    remove,
)

# The kinds of accounts, as text lists of SQL; the last three were added to the platform later.
_OF_DEALS = "'ESCROW', 'COMMISSION', 'PARTIAL_DEPOSIT', 'OVERPAYMENT', 'LATE_DEPOSIT'"
_MAY_BE_NEGATIVE = "'EXTERNAL_TON', 'NETWORK_FEES', 'DUST_WRITEOFF'"
_UUID = "-".join("_" * length for length in (8, 4, 4, 4, 12))


def _first_balance(where: str) -> str:
    return first_of("account_balances", "account_id", where, "account_id")


RULES = (
    Rule(
        id="C-03",
        system="advert_market",
        title="A leg moves a positive amount into or out of an account of a known kind that is its own deal's.",
        severity="error",
        unit=None,
        tables=("ledger_entries",),
        query=f"""
            with named as (
                select *, split_part(account_id, ':', 1) as kind,
                    substr(account_id, strpos(account_id, ':') + 1) as owner
                from advert_market_legs_by_account
            ),
            judged as (
                select *,
                    case
                        when kind in ({_OF_DEALS}) then owner like '{_UUID}'
                        when kind = 'OWNER_PENDING' then owner ~ '^[0-9]{{1,19}}$'
                        else account_id in ('PLATFORM_TREASURY', {_MAY_BE_NEGATIVE})
                    end as is_known,
                    case when kind in ({_OF_DEALS}) then legs_of_other_deals else 0 end as legs_astray
                from named
            )
            select account_id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'known', is_known, 'legs', legs, 'without_amount_or_side', legs_misshapen,
                    'of_other_deals', legs_astray
                ) as evidence,
                newest_at as happened_at
            from judged
            where not is_known or legs_misshapen + legs_astray > 0
        """,  # noqa: S608 - the parts are written in this module
        mutations=(
            Mutation(
                name="a leg moves nothing",
                sql=copy_legs(FIRST_LEG, tx_ref="gen_random_uuid()", amount_nano="0::bigint"),
            ),
            Mutation(
                name="a leg's sign is flipped", sql=change("ledger_entries", "amount_nano = -amount_nano", FIRST_LEG)
            ),
            Mutation(name="a leg has no side", sql=change("ledger_entries", "direction = 'BOTH'", FIRST_LEG)),
            Mutation(
                name="an account is of a kind nobody knows",
                sql=change(
                    "ledger_entries",
                    "account_id = 'ESCORT' || substr(account_id, 7)",
                    first_of("ledger_entries", "id", "account_id like 'ESCROW:%'"),
                ),
            ),
            Mutation(
                name="an owner's account is kept for a name",
                sql=change(
                    "ledger_entries",
                    "account_id = 'OWNER_PENDING:somebody'",
                    first_of("ledger_entries", "id", "account_id like 'OWNER\\_PENDING:%'"),
                ),
            ),
            Mutation(
                name="a deal's leg is written to the escrow of another",
                sql=change(
                    "ledger_entries",
                    "deal_id = gen_random_uuid()",
                    first_of("ledger_entries", "id", "account_id like 'ESCROW:%'"),
                ),
            ),
        ),
        reads=(ACCOUNTS,),
        scope=ACCOUNT,
    ),
    Rule(
        id="C-04",
        system="advert_market",
        title="Every recorded balance equals the credits minus the debits of its account.",
        severity="critical",
        unit="nanoTON",
        tables=("account_balances", "ledger_entries"),
        query="""
            select account_id::text as subject, coalesce(recorded, 0) - coalesce(ledger, 0) as amount,
                jsonb_build_object('recorded', recorded, 'ledger', ledger) as evidence,
                coalesce(newest_at, updated_at) as happened_at
            from (
                select account_id, balance_nano as recorded, updated_at
                from raw_advert_market.account_balances
                where in_scope(account_balances.account_id)
            ) as projection
            full join (
                select account_id, balance as ledger, newest_at from advert_market_legs_by_account
            ) as accounts using (account_id)
            where coalesce(recorded, 0) <> coalesce(ledger, 0)
        """,
        mutations=(
            Mutation(
                name="one balance is one nano too high",
                sql=change("account_balances", "balance_nano = balance_nano + 1", _first_balance("true")),
            ),
            Mutation(
                name="the balance of an account is missing",
                sql=remove("account_balances", "account_id = 'EXTERNAL_TON'"),
            ),
            Mutation(
                name="a balance is kept for an account without entries",
                sql="""
                    insert into raw_advert_market.account_balances (account_id, balance_nano, updated_at, _load_id)
                    select 'OWNER_PENDING:0', 1, max(updated_at), max(_load_id) from raw_advert_market.account_balances
                """,
            ),
        ),
        reads=(ACCOUNTS,),
        scope=ACCOUNT,
    ),
    Rule(
        id="C-05",
        system="advert_market",
        title="Every recorded balance names the newest leg of its account and is no older than it.",
        severity="error",
        unit=None,
        tables=("account_balances", "ledger_entries"),
        # Legs of one instant are equally new.
        query="""
            select projected.account_id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'last_entry_id', projected.last_entry_id, 'its_account', named.account_id,
                    'its_instant', named.created_at, 'newest_leg_at', accounts.newest_at,
                    'updated_at', projected.updated_at
                ) as evidence,
                projected.updated_at as happened_at
            from (
                select * from raw_advert_market.account_balances where in_scope(account_balances.account_id)
            ) as projected
            left join raw_advert_market.ledger_entries as named on named.id = projected.last_entry_id
            left join advert_market_legs_by_account as accounts on accounts.account_id = projected.account_id
            where (named.id is null and (projected.last_entry_id is not null or accounts.legs > 0))
                or named.account_id <> projected.account_id
                or named.created_at < accounts.newest_at
                or projected.updated_at < named.created_at
        """,
        mutations=(
            Mutation(
                name="a balance names a leg of another account",
                sql=change(
                    "account_balances",
                    "last_entry_id = (select last_entry_id from raw_advert_market.account_balances"
                    " where account_id = 'EXTERNAL_TON')",
                    "account_id = 'PLATFORM_TREASURY'",
                ),
            ),
            Mutation(
                name="a balance names the account's first leg",
                sql=change(
                    "account_balances",
                    "last_entry_id = (select id from raw_advert_market.ledger_entries"
                    " where account_id = 'EXTERNAL_TON' order by created_at limit 1)",
                    "account_id = 'EXTERNAL_TON'",
                ),
            ),
            Mutation(
                name="a balance names no leg",
                sql=change("account_balances", "last_entry_id = null", "account_id = 'EXTERNAL_TON'"),
            ),
            Mutation(
                name="a balance is older than its newest leg",
                sql=change(
                    "account_balances", "updated_at = updated_at - interval '1 day'", "account_id = 'EXTERNAL_TON'"
                ),
            ),
        ),
        reads=(ACCOUNTS,),
        scope=ACCOUNT,
    ),
    Rule(
        id="C-06",
        system="advert_market",
        title="All recorded balances together are zero.",
        severity="critical",
        unit="nanoTON",
        tables=("account_balances",),
        query="""
            select 'account_balances' as subject, total as amount, jsonb_build_object('accounts', accounts) as evidence,
                null::timestamptz as happened_at
            from (
                select sum(balance_nano) as total, count(*) as accounts from raw_advert_market.account_balances
            ) as projection
            where total <> 0
        """,
        mutations=(
            Mutation(
                name="one balance is one nano too low",
                sql=change("account_balances", "balance_nano = balance_nano - 1", _first_balance("true")),
            ),
        ),
    ),
    Rule(
        id="C-07",
        system="advert_market",
        title="No account but those of the chain, its fees and write-offs ever pays out more than it received.",
        severity="error",
        unit="nanoTON",
        tables=("ledger_entries",),
        # An account all of whose credits came before its first debit is lowest at its end; only the others are gone
        # through leg by leg. At one instant credits count first, since legs of one posting may share it.
        query=f"""
            with mixed as (
                select account_id, min(running) as lowest
                from (
                    select legs.account_id,
                        sum(case direction when 'CREDIT' then amount_nano when 'DEBIT' then -amount_nano end) over (
                            partition by legs.account_id order by created_at, direction rows unbounded preceding
                        ) as running
                    from advert_market_legs_by_account as accounts
                    inner join raw_advert_market.ledger_entries as legs on legs.account_id = accounts.account_id
                    where last_credit_at > first_debit_at
                        and split_part(accounts.account_id, ':', 1) not in ({_MAY_BE_NEGATIVE})
                        and in_scope(legs.account_id)
                ) as in_order
                group by account_id
            )
            select account_id::text as subject, least(lowest, balance) as amount,
                jsonb_build_object('lowest', least(lowest, balance), 'balance', balance, 'legs', legs) as evidence,
                first_debit_at as happened_at
            from advert_market_legs_by_account
            left join mixed using (account_id)
            where least(lowest, balance) < 0 and split_part(account_id, ':', 1) not in ({_MAY_BE_NEGATIVE})
        """,  # noqa: S608 - the kinds are written in this module
        mutations=(
            Mutation(
                name="an escrow pays out what it does not hold",
                sql=copy_legs(
                    first_of("ledger_entries", "id", "account_id like 'ESCROW:%' and direction = 'DEBIT'"),
                    amount_nano="1::bigint",
                ),
            ),
            Mutation(
                name="an owner is paid before the release",
                sql=change(
                    "ledger_entries",
                    "created_at = created_at - interval '1 hour'",
                    first_of("ledger_entries", "tx_ref", "account_id like 'OWNER\\_PENDING:%' and direction = 'DEBIT'"),
                ),
            ),
        ),
        reads=(ACCOUNTS,),
        scope=ACCOUNT,
    ),
)
