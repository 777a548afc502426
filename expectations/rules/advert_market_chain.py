"""What must hold between the TON chain, the ledger and the deals of the ad market: C-13, C-14, C-15 and C-17.

Amounts are compared to the nano. Each side may be delivered a little ahead of the other: ten minutes are granted.
"""

from expectations.rule import Mutation, Rule, Scope
from expectations.rules.advert_market import (
    DEAL,
    MOVED,
    NEWEST,
    NO_DEAL,
    POSTINGS,
    UNDER_WAY,
    change,
    first_of,
    remove,
)

_TRANSACTION = Scope("advert_market_transaction", {"ton_transactions": "tx_hash"})
_TON = 1_000_000_000


def _transaction(direction: str, where: str = "true") -> str:
    """The condition on the first confirmed transaction of a direction."""
    return first_of("ton_transactions", "tx_hash", f"direction = '{direction}' and status = 'CONFIRMED' and {where}")


def _deal_with(column: str) -> str:
    """The condition on the first deal that keeps a hash."""
    return first_of("deals", "id", f"{column} is not null")


RULES = (
    Rule(
        id="C-13",
        system="advert_market",
        title="The coins that the ledger says came in for a deal are those confirmed on the chain.",
        severity="error",
        unit="nanoTON",
        tables=("ton_transactions", "ledger_entries", "deals"),
        # The platform's first version books the price alone: neither what came above it nor a part that never became
        # the price. Such coins are classified in the marts; here they break nothing.
        query=f"""
            with deposits as (
                select deal_id, amount_nano::numeric as received, 0 as posted, created_at as moved_at
                from raw_advert_market.ton_transactions
                where direction = 'IN' and status in ({MOVED}) and in_scope(ton_transactions.deal_id)
                union all
                select deal_id, 0, -coins, last_leg_at
                from advert_market_legs_by_posting
                where step in ('fund', 'deposit') and in_scope(advert_market_legs_by_posting.deal_id)
            ),
            sums as (
                select deal_id, sum(received) as received, sum(posted) as posted, max(moved_at) as moved_at
                from deposits
                group by deal_id
                having sum(received) <> sum(posted)
            )
            select deal_id::text as subject, received - posted as amount,
                jsonb_build_object('price', amount_nano, 'on_chain', received, 'ledger', posted) as evidence,
                moved_at as happened_at
            from sums
            inner join raw_advert_market.deals on deals.id = deal_id
            cross join advert_market_newest_instant
            where moved_at < newest_at - interval '10 minutes'
                and (posted > received or (received >= amount_nano and posted < amount_nano))
        """,  # noqa: S608 - the statuses are written in the system's module
        mutations=(
            Mutation(
                name="a deposit is one nano short on the chain",
                sql=change("ton_transactions", "amount_nano = amount_nano - 1", _transaction("IN")),
            ),
            Mutation(name="a deposit never was on the chain", sql=remove("ton_transactions", _transaction("IN"))),
            Mutation(
                name="a deposit was never posted",
                sql=remove(
                    "ledger_entries",
                    first_of("ledger_entries", "tx_ref", "account_id = 'EXTERNAL_TON' and direction = 'DEBIT'"),
                ),
            ),
        ),
        reads=(NEWEST, POSTINGS),
        scope=DEAL,
    ),
    Rule(
        id="C-14",
        system="advert_market",
        title="Coins that leave are posted, and what is posted as left has left: for each deal and amount as often.",
        severity="error",
        unit="nanoTON",
        tables=("ton_transactions", "ledger_entries"),
        # A posting waits for coins that are under way, however long; C-16 tells of those. A payment that was posted
        # and taken back is none.
        query=f"""
            with sent as (
                select coalesce(deal_id, {NO_DEAL}) as deal_id, amount_nano, status, created_at
                from raw_advert_market.ton_transactions
                where direction = 'OUT'
            ),
            movements as (
                select deal_id, abs(coins) as amount, sign(coins)::integer as posted, 0 as confirmed, 0 as under_way,
                    first_leg_at as moved_at
                from advert_market_legs_by_posting
                where coins <> 0 and step not in ('fund', 'deposit')
                    and in_scope(advert_market_legs_by_posting.deal_id)
                union all
                select deal_id, amount_nano, 0, (status in ({MOVED}))::integer, ({UNDER_WAY})::integer, created_at
                from sent
                where in_scope(sent.deal_id)
            ),
            amounts as (
                select deal_id, amount, sum(posted) as posted, sum(confirmed) as confirmed,
                    sum(under_way) as under_way, max(moved_at) as moved_at
                from movements
                group by deal_id, amount
                having sum(posted) not between sum(confirmed) and sum(confirmed) + sum(under_way)
            )
            select coalesce(nullif(deal_id, {NO_DEAL})::text, 'treasury') as subject,
                sum((confirmed - posted) * amount) as amount,
                jsonb_agg(
                    jsonb_build_object(
                        'amount', amount, 'on_chain', confirmed, 'under_way', under_way, 'posted', posted
                    ) order by amount
                ) as evidence,
                min(moved_at) as happened_at
            from amounts
            cross join advert_market_newest_instant
            where moved_at < newest_at - interval '10 minutes'
            group by deal_id
        """,  # noqa: S608 - the parts are written in the system's module
        mutations=(
            Mutation(
                name="a payout is one nano larger on the chain",
                sql=change("ton_transactions", "amount_nano = amount_nano + 1", _transaction("OUT")),
            ),
            Mutation(name="coins never left", sql=remove("ton_transactions", _transaction("OUT"))),
            Mutation(
                name="a payment that was posted failed",
                sql=change("ton_transactions", "status = 'FAILED'", _transaction("OUT")),
            ),
            Mutation(
                name="a withdrawal of the treasury was never posted",
                sql=remove(
                    "ledger_entries",
                    first_of("ledger_entries", "tx_ref", "account_id = 'EXTERNAL_TON' and deal_id is null"),
                ),
            ),
        ),
        reads=(NEWEST, POSTINGS),
        scope=DEAL,
    ),
    Rule(
        id="C-15",
        system="advert_market",
        title="The hashes a deal keeps are its own transactions, confirmed and of the right direction.",
        severity="error",
        unit="nanoTON",
        tables=("deals", "ton_transactions"),
        # Only a deal that is refunded in part pays its owner and its advertiser both.
        query=f"""
            with named as (
                select deals.id, deals.status, deals.amount_nano, deals.updated_at, kept.role,
                    kept.role = 'refund' and payout_tx_hash is not null
                        and deals.status <> 'PARTIALLY_REFUNDED' as is_paid_twice,
                    kept.direction, kept.tx_hash
                from raw_advert_market.deals
                cross join lateral (
                    values ('deposit', 'IN', deposit_tx_hash), ('payout', 'OUT', payout_tx_hash),
                        ('refund', 'OUT', refunded_tx_hash)
                ) as kept (role, direction, tx_hash)
                where kept.tx_hash is not null and in_scope(deals.id)
            )
            select named.id::text as subject, named.amount_nano::numeric as amount,
                jsonb_agg(
                    jsonb_build_object(
                        'role', role, 'tx_hash', named.tx_hash, 'direction', found.direction,
                        'deal_id', found.deal_id, 'status', found.status, 'besides_a_payout', is_paid_twice
                    ) order by role
                ) as evidence,
                min(coalesce(found.created_at, named.updated_at)) as happened_at
            from named
            left join raw_advert_market.ton_transactions as found on found.tx_hash = named.tx_hash
            where is_paid_twice
                or (found.direction, found.deal_id, found.status in ({MOVED}))
                    is distinct from (named.direction, named.id, true)
            group by named.id, named.amount_nano
        """,  # noqa: S608 - the statuses are written in the system's module
        mutations=(
            Mutation(
                name="a deposit's hash is not on the chain",
                sql=change("deals", "deposit_tx_hash = 'nowhere'", _deal_with("deposit_tx_hash")),
            ),
            Mutation(
                name="a payout's hash is that of the deposit",
                sql=change("deals", "payout_tx_hash = deposit_tx_hash", _deal_with("payout_tx_hash")),
            ),
            Mutation(
                name="a refund is not confirmed",
                sql=change(
                    "ton_transactions",
                    "status = 'PENDING'",
                    "tx_hash = (select max(refunded_tx_hash) from raw_advert_market.deals)",
                ),
            ),
            Mutation(
                name="a released deal keeps a refund too",
                sql=change(
                    "deals",
                    "status = 'COMPLETED_RELEASED'",
                    first_of("deals", "id", "status = 'PARTIALLY_REFUNDED' and payout_tx_hash is not null"),
                ),
            ),
        ),
        scope=DEAL,
    ),
    Rule(
        id="C-17",
        system="advert_market",
        title="A confirmed deposit has the blocks on top of it that its size asks for.",
        severity="error",
        unit="nanoTON",
        tables=("ton_transactions",),
        query=f"""
            with deposits as (
                select *,
                    case when amount_nano <= {100 * _TON} then 1 when amount_nano <= {1_000 * _TON} then 3 else 5 end
                        as needed
                from raw_advert_market.ton_transactions
                where direction = 'IN' and status = 'CONFIRMED' and in_scope(ton_transactions.tx_hash)
            )
            select tx_hash::text as subject, amount_nano::numeric as amount,
                jsonb_build_object('confirmations', confirmations, 'needed', needed, 'deal_id', deal_id) as evidence,
                created_at as happened_at
            from deposits
            where coalesce(confirmations, 0) < needed
        """,  # noqa: S608 - numbers
        mutations=(
            Mutation(
                name="a small deposit is taken without a block",
                sql=change("ton_transactions", "confirmations = 0", _transaction("IN", f"amount_nano <= {100 * _TON}")),
            ),
            Mutation(
                name="a large deposit is taken after four blocks",
                sql=change(
                    "ton_transactions", "confirmations = 4", _transaction("IN", f"amount_nano > {1_000 * _TON}")
                ),
            ),
            Mutation(
                name="a deposit says nothing of its blocks",
                sql=change("ton_transactions", "confirmations = null", _transaction("IN")),
            ),
        ),
        scope=_TRANSACTION,
    ),
)
