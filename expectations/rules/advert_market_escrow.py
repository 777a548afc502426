"""What must hold of the escrow of each deal in the ad market: C-08 and C-11.

What a posting does is read from the kinds of its accounts, never from its description. Ages are judged against the
newest instant delivered.
"""

from expectations.rule import Mutation, Rule
from expectations.rules.advert_market import copy_legs

_NEW_POSTING = "md5(tx_ref::text)::uuid"


def _first_posting(to_kind: str) -> str:
    """The condition on legs of the first posting from an escrow to accounts of another kind."""
    return f"""
        tx_ref = (
            select tx_ref from raw_advert_market.ledger_entries
            group by tx_ref
            having bool_or(split_part(account_id, ':', 1) = 'ESCROW' and direction = 'DEBIT')
                and bool_or(split_part(account_id, ':', 1) = '{to_kind}' and direction = 'CREDIT')
            order by min(created_at), tx_ref limit 1
        )
    """  # noqa: S608 - the kinds are written in this module


RULES = (
    Rule(
        id="C-08",
        system="advert_market",
        title="A deal's escrow holds its amount while the deal is funded, and nothing before or after.",
        severity="critical",
        unit="nanoTON",
        tables=("deals", "ledger_entries"),
        # The platform may change the status before it posts: ten minutes are granted after the last change, which
        # deal_events dates where they were delivered and the deal's own row otherwise.
        query="""
            with accounts as (
                select case when split_part(account_id, ':', 1) = 'ESCROW' then account_id end as account_id,
                    sum(case direction when 'CREDIT' then amount_nano when 'DEBIT' then -amount_nano end) as balance,
                    max(created_at) as newest_at
                from raw_advert_market.ledger_entries
                group by 1
            ),
            changes as (
                select deal_id, max(created_at) as changed_at from raw_advert_market.deal_events group by deal_id
            ),
            delivered as (
                select greatest(
                    (select max(newest_at) from accounts), (select max(changed_at) from changes)
                ) as newest_at
            ),
            expected as (
                select deals.id::text as deal_id, 'ESCROW:' || deals.id as account_id, deals.status,
                    coalesce(changes.changed_at, deals.updated_at) as changed_at,
                    case when deals.status in (
                        'FUNDED', 'CREATIVE_SUBMITTED', 'CREATIVE_APPROVED', 'SCHEDULED', 'PUBLISHED',
                        'DELIVERY_VERIFYING', 'DISPUTED'
                    ) then deals.amount_nano else 0 end as amount
                from raw_advert_market.deals
                left join changes on changes.deal_id = deals.id
            ),
            escrows as (select account_id, balance from accounts where account_id is not null)
            select coalesce(deal_id, split_part(account_id, ':', 2)) as subject,
                coalesce(balance, 0) - coalesce(amount, 0) as amount,
                jsonb_build_object(
                    'status', status, 'changed_at', changed_at, 'expected', coalesce(amount, 0),
                    'escrow', coalesce(balance, 0)
                ) as evidence
            from expected
            full join escrows using (account_id)
            cross join delivered
            where coalesce(balance, 0) <> coalesce(amount, 0)
                and (changed_at is null or changed_at < newest_at - interval '10 minutes')
        """,
        mutations=(
            Mutation(
                name="a funded deal is cancelled and nothing refunded",
                sql="""
                    update raw_advert_market.deals set status = 'CANCELLED'
                    where id = (
                        select id from raw_advert_market.deals
                        where status in ('FUNDED', 'CREATIVE_SUBMITTED', 'SCHEDULED', 'DELIVERY_VERIFYING', 'DISPUTED')
                        order by created_at, id limit 1
                    )
                """,
            ),
            Mutation(name="a release is written twice", sql=copy_legs(_first_posting("OWNER_PENDING"))),
            Mutation(
                name="a released deal is still said to be published",
                sql="""
                    update raw_advert_market.deals set status = 'PUBLISHED'
                    where id = (
                        select id from raw_advert_market.deals where status = 'COMPLETED_RELEASED'
                        order by created_at, id limit 1
                    )
                """,
            ),
        ),
    ),
    Rule(
        id="C-11",
        system="advert_market",
        title="An escrow is released once or refunded once, never both and never again.",
        severity="critical",
        unit="nanoTON",
        tables=("ledger_entries",),
        # Paying the owner makes a release, also where a part goes back to the advertiser. A release that was
        # reversed by a posting of its own does not count.
        query="""
            with postings as (
                select tx_ref, max(account_id) filter (where kind = 'ESCROW') as escrow,
                    sum(amount_nano) filter (where kind = 'ESCROW') as amount,
                    bool_or(kind = 'ESCROW' and direction = 'DEBIT') as leaves_escrow,
                    bool_or(kind = 'ESCROW' and direction = 'CREDIT') as enters_escrow,
                    bool_or(kind = 'OWNER_PENDING' and direction = 'CREDIT') as to_owner,
                    bool_or(kind = 'OWNER_PENDING' and direction = 'DEBIT') as from_owner,
                    bool_or(kind = 'EXTERNAL_TON' and direction = 'CREDIT') as to_chain
                from (
                    select tx_ref, account_id, direction, amount_nano, split_part(account_id, ':', 1) as kind
                    from raw_advert_market.ledger_entries
                ) as legs
                where kind in ('ESCROW', 'OWNER_PENDING', 'EXTERNAL_TON')
                group by tx_ref
            ),
            deals as (
                select split_part(escrow, ':', 2) as deal_id,
                    count(*) filter (where leaves_escrow and to_owner)
                        - count(*) filter (where enters_escrow and from_owner) as releases,
                    count(*) filter (where leaves_escrow and to_chain and not to_owner) as refunds,
                    sum(amount) filter (where leaves_escrow) - max(amount) filter (where leaves_escrow) as amount,
                    jsonb_agg(tx_ref order by tx_ref) filter (where leaves_escrow) as tx_refs
                from postings
                where escrow is not null
                group by escrow
            )
            select deal_id as subject, amount,
                jsonb_build_object('releases', releases, 'refunds', refunds, 'tx_refs', tx_refs) as evidence
            from deals
            where releases + refunds > 1
        """,
        mutations=(
            Mutation(
                name="a release is posted again",
                sql=copy_legs(_first_posting("OWNER_PENDING"), tx_ref=_NEW_POSTING),
            ),
            Mutation(
                name="a refund is posted again",
                sql=copy_legs(_first_posting("EXTERNAL_TON"), tx_ref=_NEW_POSTING),
            ),
            Mutation(
                name="a released deal is refunded too",
                sql="""
                    insert into raw_advert_market.ledger_entries (
                        id, tx_ref, account_id, direction, amount_nano, deal_id, created_at, _load_id
                    )
                    select gen_random_uuid(), md5(release.tx_ref::text)::uuid, refund.account_id, refund.direction,
                        release.amount_nano, release.deal_id, release.created_at, release._load_id
                    from (
                        select * from raw_advert_market.ledger_entries
                        where split_part(account_id, ':', 1) = 'ESCROW' and direction = 'DEBIT' and deal_id = (
                            select id from raw_advert_market.deals where status = 'COMPLETED_RELEASED'
                            order by created_at, id limit 1
                        )
                    ) as release
                    cross join lateral (
                        values (release.account_id, 'DEBIT'), ('EXTERNAL_TON', 'CREDIT')
                    ) as refund (account_id, direction)
                """,
            ),
        ),
    ),
)
