"""Money of the ad market that lies where it should not: C-12 and C-16."""

from expectations.rule import Mutation, Rule
from expectations.rules.advert_market import (
    DEAL,
    NEW_POSTING,
    NEWEST,
    POSTINGS,
    UNDER_WAY,
    change,
    copy_legs,
    first_of,
    posting,
)
from expectations.rules.advert_market_deals import CHANGES

# From when on money that should move on is left lying, and how much of it may lie there for ever.
_LEFT_LYING = """
    ('COMMISSION', interval '7 days', 1000), ('OWNER_PENDING', interval '30 days', 0),
    ('OVERPAYMENT', interval '24 hours', 0), ('LATE_DEPOSIT', interval '1 hour', 0)
"""
# The postings of the owner whose money waits for the longest time.
_LONGEST_OWED = """
    tx_ref in (
        select tx_ref from raw_advert_market.ledger_entries
        where account_id = (
            select account_id from raw_advert_market.account_balances
            where account_id like 'OWNER\\_PENDING:%' and balance_nano > 0 order by updated_at limit 1
        )
    )
"""
_UNMOVED_FOR_DAYS = "updated_at < (select max(updated_at) - interval '8 days' from raw_advert_market.account_balances)"

RULES = (
    Rule(
        id="C-12",
        system="advert_market",
        title="A deal that was never funded keeps no money: late coins go straight back.",
        severity="error",
        unit="nanoTON",
        tables=("deals", "deal_events", "ledger_entries"),
        # While the deal awaits its payment, a part of the price may wait on an account of its own. Coins that came
        # too late have an hour to go back.
        query="""
            with money as (
                select deals.id, status, greatest(deals.updated_at, max(changed_at), max(last_leg_at)) as changed_at,
                    min(first_leg_at) as first_leg_at, sum(escrow) as escrow, sum(commission) as commission,
                    -sum(coins) as kept, bool_or(is_owners) as is_owners
                from raw_advert_market.deals
                inner join advert_market_legs_by_posting as postings on postings.deal_id = deals.id
                left join advert_market_changes_by_deal as changes on changes.deal_id = deals.id
                where deals.funded_at is null and changes.first_funded_at is null and in_scope(deals.id)
                group by deals.id
            )
            select id::text as subject, kept as amount,
                jsonb_build_object(
                    'status', status, 'kept', kept, 'escrow', escrow, 'commission', commission,
                    'moved_for_owner', is_owners
                ) as evidence,
                first_leg_at as happened_at
            from money
            cross join advert_market_newest_instant
            where changed_at < newest_at - interval '1 hour'
                and (
                    escrow <> 0 or commission <> 0 or is_owners or (kept <> 0 and status <> 'AWAITING_PAYMENT')
                )
        """,
        mutations=(
            Mutation(
                name="a part of a price came twice and was sent back once",
                sql=copy_legs(posting("EXTERNAL_TON", "PARTIAL_DEPOSIT"), tx_ref=NEW_POSTING),
            ),
            Mutation(
                name="a deal loses all trace of its funding",
                sql="""
                    with deal as (
                        select id from raw_advert_market.deals where status = 'COMPLETED_RELEASED'
                        order by created_at, id limit 1
                    ), forgotten as (
                        delete from raw_advert_market.deal_events
                        where to_status = 'FUNDED' and deal_id = (select id from deal)
                    )
                    update raw_advert_market.deals set funded_at = null where id = (select id from deal)
                """,
            ),
        ),
        reads=(NEWEST, POSTINGS, CHANGES),
        scope=DEAL,
    ),
    # Money goes out first in, first out: what came lately is new, the rest of a balance is old. An account grows old
    # without a row of its own, so this is asked of all accounts, by the balances recorded, and of late legs only.
    Rule(
        id="C-16",
        system="advert_market",
        title="No commission, owner's share or returnable deposit is left lying, and no payment stays under way.",
        severity="warn",
        unit="nanoTON",
        tables=("account_balances", "ledger_entries", "ton_transactions"),
        query=f"""
            with limits (kind, kept_for, negligible) as (values {_LEFT_LYING}),
            holding as (
                select account_id, kind, kept_for, negligible, balance_nano, newest_at
                from raw_advert_market.account_balances
                inner join limits on kind = split_part(account_id, ':', 1)
                cross join advert_market_newest_instant
                where balance_nano > negligible
            ),
            lately as (
                select holding.account_id, sum(amount_nano) as credit
                from raw_advert_market.ledger_entries as legs
                inner join holding on holding.account_id = legs.account_id
                where legs.created_at >= (select newest_at - interval '30 days' from advert_market_newest_instant)
                    and legs.created_at >= newest_at - kept_for and legs.direction = 'CREDIT'
                group by holding.account_id
            )
            select account_id::text as subject, balance_nano - coalesce(credit, 0) as amount,
                jsonb_build_object('balance', balance_nano, 'came_lately', coalesce(credit, 0), 'kept_for', kept_for)
                    as evidence,
                newest_at - kept_for as happened_at
            from holding
            left join lately using (account_id)
            where balance_nano - coalesce(credit, 0) > negligible
            union all
            select tx_hash::text, amount_nano::numeric,
                jsonb_build_object('deal_id', deal_id, 'status', status, 'created_at', created_at), created_at
            from raw_advert_market.ton_transactions
            cross join advert_market_newest_instant
            where direction = 'OUT' and {UNDER_WAY} and created_at < newest_at - interval '10 minutes'
        """,  # noqa: S608 - the parts are written in the rules' own modules
        mutations=(
            Mutation(
                name="an owner was not paid for a month",
                sql=change("ledger_entries", "created_at = created_at - interval '25 days'", _LONGEST_OWED),
            ),
            Mutation(
                name="a commission was never swept",
                sql=change(
                    "account_balances",
                    "balance_nano = 1001",
                    first_of(
                        "account_balances",
                        "account_id",
                        f"account_id like 'COMMISSION:%' and {_UNMOVED_FOR_DAYS}",
                        "account_id",
                    ),
                ),
            ),
            Mutation(
                name="a payout is still under way",
                sql=change(
                    "ton_transactions",
                    "status = 'PENDING'",
                    first_of("ton_transactions", "tx_hash", "direction = 'OUT'"),
                ),
            ),
        ),
        reads=(NEWEST,),
    ),
)
