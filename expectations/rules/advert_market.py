"""What all rules of the ad market share, and what must hold of its postings: C-01 and C-02.

A credit is money that enters an account; the legs of one posting share a tx_ref. The ledger is large, so it is
aggregated twice for all rules together: by account and by posting; what concerns a deal is summed from its postings.
"""

from expectations.rule import Mutation, Rule, Scope, Summary

# What belongs to no deal (sweeps, their reversal, withdrawals) is the treasury's own: it has the key of no deal.
NO_DEAL = "'00000000-0000-0000-0000-000000000000'::uuid"

ACCOUNT = Scope("advert_market_account", {"ledger_entries": "account_id", "account_balances": "account_id"})
DEAL = Scope(
    "advert_market_deal",
    {
        "deals": "id",
        "ledger_entries": f"coalesce(deal_id, {NO_DEAL})",
        "ton_transactions": f"coalesce(deal_id, {NO_DEAL})",
        "audit_log": f"coalesce(deal_id, {NO_DEAL})",
        "deal_events": "deal_id",
        "posting_checks": "deal_id",
    },
    # No rule on deals waits for longer than an hour (C-12). That events reach as far as postings is not needed: an
    # earlier instant finds more deals.
    due=f"""
        with seen as (
            select coalesce(max(created_at), '-infinity') - interval '1 hour' as until
            from raw_advert_market.deal_events
            where _load_id not in (select load_id from new_loads)
        )
        select id as key from raw_advert_market.deals where updated_at >= (select until from seen)
        union all
        select deal_id from raw_advert_market.deal_events where created_at >= (select until from seen)
        union all
        select coalesce(deal_id, {NO_DEAL}) from raw_advert_market.ledger_entries
        where created_at >= (select until from seen)
        union all
        select coalesce(deal_id, {NO_DEAL}) from raw_advert_market.ton_transactions
        where created_at >= (select until from seen)
        union all
        select coalesce(deal_id, {NO_DEAL}) from raw_advert_market.audit_log
        where created_at >= (select until from seen)
        union all
        select deal_id from raw_advert_market.posting_checks where checked_at >= (select until from seen)
    """,  # noqa: S608 - the parts are written in this module
)

# What became of coins on the chain, by the status of their transaction; only the first of each is of the first version.
MOVED = "'CONFIRMED', 'UNDERPAID', 'OVERPAID'"
UNDER_WAY = f"status not in ({MOVED}, 'FAILED', 'TIMEOUT', 'ABANDONED')"

# Ages are judged against the newest instant delivered, never the clock.
NEWEST = Summary(
    "advert_market_newest_instant",
    """
    select greatest(
        (select max(created_at) from raw_advert_market.ledger_entries),
        (select max(created_at) from raw_advert_market.deal_events)
    ) as newest_at
    """,
)

_SIGNED = "case direction when 'CREDIT' then amount_nano when 'DEBIT' then -amount_nano end"

ACCOUNTS = Summary(
    "advert_market_legs_by_account",
    f"""
    select account_id, count(*) as legs, sum({_SIGNED}) as balance,
        min(created_at) filter (where direction = 'DEBIT') as first_debit_at,
        max(created_at) filter (where direction = 'CREDIT') as last_credit_at,
        max(created_at) as newest_at,
        count(*) filter (where amount_nano <= 0 or direction not in ('DEBIT', 'CREDIT')) as legs_misshapen,
        count(*) filter (where strpos(account_id, deal_id::text) = 0) as legs_of_other_deals
    from raw_advert_market.ledger_entries
    where in_scope(ledger_entries.account_id)
    group by account_id
    """,  # noqa: S608 - the parts are written in this module
    ACCOUNT,
)

# Kinds of accounts as bits, so that one aggregate tells which of them a posting debits, and another which it credits.
_ESCROW, _OWNER, _COMMISSION, _COINS, _TREASURY, _OTHER = 1, 2, 4, 8, 16, 32

# What a posting does is read from the kinds of its accounts, never from its description. Paying the owner makes a
# release, also where a part goes back to the advertiser; a funding taken back looks like a refund and is one. A refund
# taken back looks like a funding: it brings, to the nano, what the deal gave back before.
# `offset 0` has the legs sorted: following the index of tx_ref fetches them from all over the ledger, in 14 seconds
# instead of 9 for five million.
POSTINGS = Summary(
    "advert_market_legs_by_posting",
    f"""
    with legs as not materialized (
        select tx_ref, deal_id, direction, amount_nano, created_at, coalesce(deal_id, {NO_DEAL}) as owned_by,
            {_SIGNED} as signed_nano,
            case
                when account_id = 'EXTERNAL_TON' then {_COINS}
                when account_id like 'ESCROW:%' then {_ESCROW}
                when account_id like 'OWNER\\_PENDING:%' then {_OWNER}
                when account_id like 'COMMISSION:%' then {_COMMISSION}
                when account_id = 'PLATFORM_TREASURY' then {_TREASURY}
                else {_OTHER}
            end as kind
        from raw_advert_market.ledger_entries
        offset 0
    ),
    postings as (
        select tx_ref, coalesce(any_value(deal_id), {NO_DEAL}) as deal_id, count(*) as legs,
            count(deal_id) as legs_with_deal, count(distinct deal_id) as deals,
            min(created_at) as first_leg_at, max(created_at) as last_leg_at,
            coalesce(sum(amount_nano) filter (where direction = 'DEBIT'), 0) as debit,
            coalesce(sum(amount_nano) filter (where direction = 'CREDIT'), 0) as credit,
            coalesce(bit_or(kind) filter (where direction = 'DEBIT'), 0) as debited,
            coalesce(bit_or(kind) filter (where direction = 'CREDIT'), 0) as credited,
            coalesce(sum(signed_nano) filter (where kind = {_ESCROW}), 0) as escrow,
            coalesce(sum(signed_nano) filter (where kind = {_COMMISSION}), 0) as commission,
            coalesce(sum(signed_nano) filter (where kind = {_COINS}), 0) as coins
        from legs
        -- A posting is taken whole, also where its legs name several deals.
        where in_scope(legs.owned_by)
            or tx_ref in (select touched.tx_ref from legs as touched where in_scope(touched.owned_by))
        group by tx_ref
    ),
    refunds as (
        select deal_id, escrow, coins, min(first_leg_at) as since
        from postings
        where debited & {_ESCROW} > 0 and credited & {_COINS} > 0 and credited & {_OWNER} = 0
        group by deal_id, escrow, coins
    )
    select tx_ref, postings.deal_id, legs, legs_with_deal, deals, first_leg_at, last_leg_at, debit, credit, debited,
        credited, postings.escrow, commission, postings.coins,
        (debited | credited) & {_OWNER} > 0 as is_owners, (debited | credited) & {_TREASURY} > 0 as is_treasurys,
        case
            when debited & {_ESCROW} > 0 and credited & {_OWNER} > 0
                then case when credited & {_COINS} > 0 then 'partial refund' else 'release' end
            when credited & {_ESCROW} > 0 and debited & {_OWNER} > 0 then 'release reversal'
            when debited & {_ESCROW} > 0 and credited & {_COINS} > 0 then 'refund'
            when credited & {_ESCROW} > 0 and since is not null then 'refund reversal'
            when credited & {_ESCROW} > 0 then 'fund'
            when debited & {_COINS} > 0 and credited & {_OWNER | _TREASURY} > 0 then 'payout reversal'
            when debited & {_COINS} > 0 then 'deposit'
            when credited & {_COINS} > 0 then 'payout'
        end as step
    from postings
    left join refunds on refunds.deal_id = postings.deal_id and since < first_leg_at
        and refunds.escrow = -postings.escrow and refunds.coins = -postings.coins
    """,  # noqa: S608 - the parts are written in this module
    DEAL,
)

# Reads POSTINGS, which a rule must list before it. A posting and its reversal count as none.
ESCROWS = Summary(
    "advert_market_escrow_by_deal",
    """
    select deal_id, sum(escrow) as escrow, max(last_leg_at) as last_leg_at,
        count(*) filter (where step = 'fund') as fundings,
        count(*) filter (where step in ('release', 'partial refund'))
            - count(*) filter (where step = 'release reversal') as releases,
        count(*) filter (where step = 'refund') - count(*) filter (where step = 'refund reversal') as refunds,
        coalesce(-sum(escrow) filter (where step <> 'fund'), 0) as paid_out,
        coalesce(sum(commission) filter (where step <> 'fund'), 0) as commission
    from advert_market_legs_by_posting
    where in_scope(advert_market_legs_by_posting.deal_id)
    group by deal_id
    """,
    DEAL,
)


def first_of(table: str, key: str, where: str, order_by: str = "created_at") -> str:
    """The condition on one row of a table: the first in this order of those that meet `where`."""
    return f"{key} = (select {key} from raw_advert_market.{table} where {where} order by {order_by}, {key} limit 1)"  # noqa: S608


def change(table: str, changes: str, which: str) -> str:
    """The statement that changes columns of the rows selected by `which`."""
    return f"update raw_advert_market.{table} set {changes} where {which}"  # noqa: S608 - written in the rules' modules


def remove(table: str, which: str) -> str:
    """The statement that deletes the rows selected by `which`."""
    return f"delete from raw_advert_market.{table} where {which}"  # noqa: S608 - written in the rules' modules


def copy_legs(which: str, **changed: str) -> str:
    """The statement that writes the legs selected by `which` again under new ids, with columns changed as told."""
    columns = ("tx_ref", "account_id", "direction", "amount_nano", "deal_id", "description", "created_at", "_load_id")
    selected = ", ".join(changed.get(column, column) for column in columns)
    return f"""
        insert into raw_advert_market.ledger_entries (id, {", ".join(columns)})
        select gen_random_uuid(), {selected} from raw_advert_market.ledger_entries where {which}
    """  # noqa: S608 - the parts are written in the rules' own modules


def posting(debited: str, credited: str, of: str = "true") -> str:
    """The condition on legs of the first posting from a kind of account to another for a deal that meets `of`."""
    return f"""
        tx_ref = (
            select tx_ref from raw_advert_market.ledger_entries
            where deal_id in (select id from raw_advert_market.deals where {of})
            group by tx_ref
            having bool_or(split_part(account_id, ':', 1) = '{debited}' and direction = 'DEBIT')
                and bool_or(split_part(account_id, ':', 1) = '{credited}' and direction = 'CREDIT')
            order by min(created_at), tx_ref limit 1
        )
    """  # noqa: S608 - the parts are written in this module


FIRST_LEG = first_of("ledger_entries", "id", "true")
# The tx_ref of a copy.
NEW_POSTING = "md5(tx_ref::text)::uuid"
FIRST_POSTING = "tx_ref = (select tx_ref from raw_advert_market.ledger_entries order by created_at, id limit 1)"

RULES = (
    Rule(
        id="C-01",
        system="advert_market",
        title="All debits of the ledger together equal all credits.",
        severity="critical",
        unit="nanoTON",
        tables=("ledger_entries",),
        query="""
            select 'ledger' as subject, credit - debit as amount,
                jsonb_build_object('debit', debit, 'credit', credit) as evidence, null::timestamptz as happened_at
            from (
                select coalesce(sum(amount_nano) filter (where direction = 'DEBIT'), 0) as debit,
                    coalesce(sum(amount_nano) filter (where direction = 'CREDIT'), 0) as credit
                from raw_advert_market.ledger_entries
            ) as totals
            where debit <> credit
        """,
        mutations=(Mutation(name="one leg is written twice", sql=copy_legs(FIRST_LEG)),),
    ),
    Rule(
        id="C-02",
        system="advert_market",
        title="Every posting balances, has both sides and belongs to one deal at one instant.",
        severity="critical",
        unit="nanoTON",
        tables=("ledger_entries",),
        # Legs are stamped one after the other, so a minute is allowed between the first and the last. Only what
        # the treasury does for itself (sweeps, their reversal, withdrawals) belongs to no deal.
        query="""
            select tx_ref::text as subject, credit - debit as amount,
                jsonb_build_object(
                    'legs', legs, 'debit', debit, 'credit', credit, 'deals', deals,
                    'legs_without_deal', legs - legs_with_deal, 'first_leg_at', first_leg_at, 'last_leg_at', last_leg_at
                ) as evidence,
                first_leg_at as happened_at
            from advert_market_legs_by_posting
            where debit <> credit or debited = 0 or credited = 0 or deals > 1
                or (legs_with_deal < legs and not is_treasurys)
                or last_leg_at - first_leg_at > interval '1 minute'
        """,
        mutations=(
            Mutation(name="one leg is written twice", sql=copy_legs(FIRST_LEG)),
            Mutation(
                name="one leg is a nano off", sql=change("ledger_entries", "amount_nano = amount_nano + 1", FIRST_LEG)
            ),
            Mutation(name="a leg stands alone", sql=copy_legs(FIRST_LEG, tx_ref="gen_random_uuid()")),
            Mutation(name="a posting names many deals", sql=copy_legs(FIRST_POSTING, deal_id="gen_random_uuid()")),
            Mutation(name="a deal's posting has legs without it", sql=copy_legs(FIRST_POSTING, deal_id="null::uuid")),
            Mutation(
                name="a posting goes on two minutes later",
                sql=copy_legs(FIRST_POSTING, created_at="created_at + interval '2 minutes'"),
            ),
        ),
        reads=(POSTINGS,),
        scope=DEAL,
    ),
)
