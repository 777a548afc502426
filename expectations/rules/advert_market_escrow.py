"""What must hold of the escrow of each deal in the ad market: C-08 to C-11.

The platform may change the status before it posts, and one table may be delivered a little ahead of another: ten
minutes are granted after the last change, which deal_events dates where they were delivered, else the deal's row.
"""

from expectations.rule import Mutation, Rule
from expectations.rules.advert_market import (
    DEAL,
    ESCROWS,
    NEW_POSTING,
    NEWEST,
    NO_DEAL,
    POSTINGS,
    change,
    copy_legs,
    first_of,
    posting,
    remove,
)
from expectations.rules.advert_market_deals import CHANGES, SETTLED

# Commission rates in hundredths of a percent that a release may show, and the default of the marts too.
COMMISSION_RATES_BP = (1000, 200, 1500, 750, 500, 0)

_HOLDS_ESCROW = (
    "'FUNDED', 'CREATIVE_SUBMITTED', 'CREATIVE_APPROVED', 'SCHEDULED', 'PUBLISHED', 'DELIVERY_VERIFYING', 'DISPUTED'"
)
_AGREED = ", ".join(f"div(amount_nano::numeric * {rate}, 10000)" for rate in COMMISSION_RATES_BP)


def _funded(status: str) -> str:
    """The condition on deals that were funded and are in a status, large enough for a commission to show."""
    return f"status = '{status}' and funded_at is not null and amount_nano > 100"


_RELEASED = _funded("COMPLETED_RELEASED")

RULES = (
    Rule(
        id="C-08",
        system="advert_market",
        title="A deal's escrow holds its amount while the deal is funded, and nothing before or after.",
        severity="critical",
        unit="nanoTON",
        tables=("deals", "ledger_entries"),
        query=f"""
            with expected as (
                select id as deal_id, status, updated_at,
                    case when status in ({_HOLDS_ESCROW}) then amount_nano else 0 end as amount
                from raw_advert_market.deals
                where in_scope(deals.id)
            )
            select coalesce(nullif(deal_id, {NO_DEAL})::text, 'no deal') as subject,
                coalesce(escrow, 0) - coalesce(amount, 0) as amount,
                jsonb_build_object(
                    'status', status, 'changed_at', coalesce(changed_at, updated_at),
                    'expected', coalesce(amount, 0), 'escrow', coalesce(escrow, 0)
                ) as evidence,
                coalesce(changed_at, updated_at, last_leg_at) as happened_at
            from expected
            full join (select deal_id, escrow, last_leg_at from advert_market_escrow_by_deal) as money using (deal_id)
            left join advert_market_changes_by_deal using (deal_id)
            cross join advert_market_newest_instant
            where coalesce(escrow, 0) <> coalesce(amount, 0)
                and (
                    coalesce(changed_at, updated_at) is null
                    or coalesce(changed_at, updated_at) < newest_at - interval '10 minutes'
                )
        """,  # noqa: S608 - the statuses are written in this module
        mutations=(
            Mutation(
                name="a funded deal is cancelled and nothing refunded",
                sql=change("deals", "status = 'CANCELLED'", first_of("deals", "id", f"status in ({_HOLDS_ESCROW})")),
            ),
            Mutation(name="a release is written twice", sql=copy_legs(posting("ESCROW", "OWNER_PENDING"))),
            Mutation(
                name="a released deal is still said to be published",
                sql=change("deals", "status = 'PUBLISHED'", first_of("deals", "id", "status = 'COMPLETED_RELEASED'")),
            ),
            Mutation(
                name="the price of a funded deal is one nano higher",
                sql=change(
                    "deals", "amount_nano = amount_nano + 1", first_of("deals", "id", f"status in ({_HOLDS_ESCROW})")
                ),
            ),
        ),
        reads=(NEWEST, POSTINGS, ESCROWS, CHANGES),
        scope=DEAL,
    ),
    Rule(
        id="C-09",
        system="advert_market",
        title="A released deal was funded once and released once, whole, with a commission at an agreed rate.",
        severity="error",
        unit="nanoTON",
        tables=("deals", "ledger_entries"),
        # The commission is rounded down and the owner gets the rest. The deal does not keep its rate.
        query=f"""
            with broken as (
                select deals.id, amount_nano, fundings, releases, refunds, escrow, paid_out, commission,
                    coalesce(completed_at, deals.updated_at) as happened_at,
                    (
                        select agreed from unnest(array[{_AGREED}]) as agreed order by abs(agreed - commission) limit 1
                    ) as nearest
                from raw_advert_market.deals
                left join advert_market_escrow_by_deal as money on money.deal_id = deals.id
                left join advert_market_changes_by_deal as changes on changes.deal_id = deals.id
                cross join advert_market_newest_instant
                where status = 'COMPLETED_RELEASED' and in_scope(deals.id) and {SETTLED}
                    and (
                        (fundings, releases, refunds) is distinct from (1, 1, 0)
                        or (escrow, paid_out) is distinct from (0, amount_nano)
                        or commission not in ({_AGREED})
                    )
            )
            select id::text as subject,
                case
                    when paid_out = amount_nano then commission - nearest else coalesce(paid_out, 0) - amount_nano
                end as amount,
                jsonb_build_object(
                    'price', amount_nano, 'fundings', coalesce(fundings, 0), 'releases', coalesce(releases, 0),
                    'refunds', coalesce(refunds, 0), 'escrow', escrow, 'paid_out', coalesce(paid_out, 0),
                    'commission', commission, 'nearest_agreed_commission', nearest
                ) as evidence,
                happened_at
            from broken
        """,  # noqa: S608 - the parts are written in the rules' own modules
        mutations=(
            Mutation(
                name="the commission of a release is one nano too high",
                sql=change(
                    "ledger_entries",
                    "amount_nano = amount_nano + case when account_id like 'COMMISSION:%' then 1 else -1 end",
                    posting("ESCROW", "COMMISSION", _RELEASED) + " and direction = 'CREDIT'",
                ),
            ),
            Mutation(
                name="an owner is paid less than was held",
                sql=change(
                    "ledger_entries",
                    "amount_nano = amount_nano - 1",
                    posting("ESCROW", "OWNER_PENDING", _RELEASED) + " and account_id not like 'COMMISSION:%'",
                ),
            ),
            Mutation(
                name="a released deal was funded twice",
                sql=copy_legs(posting("EXTERNAL_TON", "ESCROW", _RELEASED), tx_ref=NEW_POSTING),
            ),
        ),
        reads=(NEWEST, POSTINGS, ESCROWS, CHANGES),
        scope=DEAL,
    ),
    Rule(
        id="C-10",
        system="advert_market",
        title="A funded deal that was refunded, cancelled or expired was refunded once, whole and without commission.",
        severity="error",
        unit="nanoTON",
        tables=("deals", "deal_events", "ledger_entries"),
        # A deal that is cancelled or expires while funded keeps that status. Gas may be taken off what goes back.
        query=f"""
            select deals.id::text as subject, coalesce(paid_out, 0) - amount_nano as amount,
                jsonb_build_object(
                    'status', status, 'price', amount_nano, 'refunds', coalesce(refunds, 0),
                    'releases', coalesce(releases, 0), 'escrow', escrow, 'paid_out', coalesce(paid_out, 0),
                    'commission', commission
                ) as evidence,
                coalesce(ended_at, updated_at) as happened_at
            from raw_advert_market.deals
            left join advert_market_escrow_by_deal as money on money.deal_id = deals.id
            left join advert_market_changes_by_deal as changes on changes.deal_id = deals.id
            cross join advert_market_newest_instant
            where in_scope(deals.id) and {SETTLED}
                and (
                    status = 'REFUNDED'
                    or (
                        status in ('CANCELLED', 'EXPIRED')
                        and coalesce(deals.funded_at, changes.first_funded_at) is not null
                    )
                )
                and (refunds, releases, escrow, paid_out, commission) is distinct from (1, 0, 0, amount_nano, 0)
        """,  # noqa: S608 - the parts are written in the rules' own modules
        mutations=(
            Mutation(
                name="a refund was never posted",
                sql=remove("ledger_entries", posting("ESCROW", "EXTERNAL_TON", _funded("REFUNDED"))),
            ),
            Mutation(
                name="a cancelled deal is refunded one nano less",
                sql=change(
                    "ledger_entries",
                    "amount_nano = amount_nano - 1",
                    posting("ESCROW", "EXTERNAL_TON", _funded("CANCELLED")),
                ),
            ),
            Mutation(
                name="a nano of a refund stays as commission",
                sql=f"""
                    with shortened as (
                        update raw_advert_market.ledger_entries set amount_nano = amount_nano - 1
                        where account_id = 'EXTERNAL_TON' and {posting("ESCROW", "EXTERNAL_TON", _funded("EXPIRED"))}
                        returning *
                    )
                    insert into raw_advert_market.ledger_entries
                    select gen_random_uuid(), tx_ref, 'COMMISSION:' || deal_id, direction, 1, deal_id, description,
                        created_at, _load_id
                    from shortened
                """,  # noqa: S608 - the parts are written in this module
            ),
        ),
        reads=(NEWEST, POSTINGS, ESCROWS, CHANGES),
        scope=DEAL,
    ),
    Rule(
        id="C-11",
        system="advert_market",
        title="An escrow is released once or refunded once, never both and never again.",
        severity="critical",
        unit="nanoTON",
        tables=("ledger_entries",),
        # What was reversed by a posting of its own does not count.
        query="""
            select deal_id::text as subject, sum(-postings.escrow) - max(-postings.escrow) as amount,
                jsonb_build_object(
                    'releases', releases, 'refunds', refunds, 'tx_refs', jsonb_agg(tx_ref order by tx_ref)
                ) as evidence,
                max(first_leg_at) as happened_at
            from advert_market_escrow_by_deal as money
            inner join advert_market_legs_by_posting as postings using (deal_id)
            where releases + refunds > 1 and step <> 'fund' and postings.escrow <> 0 and in_scope(money.deal_id)
            group by deal_id, releases, refunds
        """,
        mutations=(
            Mutation(
                name="a release is posted again",
                sql=copy_legs(posting("ESCROW", "OWNER_PENDING"), tx_ref=NEW_POSTING),
            ),
            Mutation(
                name="a refund is posted again",
                sql=copy_legs(posting("ESCROW", "EXTERNAL_TON"), tx_ref=NEW_POSTING),
            ),
            Mutation(
                name="a released deal is refunded too",
                sql=copy_legs(
                    posting("ESCROW", "OWNER_PENDING", "status = 'COMPLETED_RELEASED' and amount_nano = 1"),
                    tx_ref=NEW_POSTING,
                    account_id="case direction when 'DEBIT' then account_id else 'EXTERNAL_TON' end",
                ),
            ),
        ),
        reads=(POSTINGS, ESCROWS),
        scope=DEAL,
    ),
)
