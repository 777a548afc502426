{{ config(meta={'follows': ['deals', 'deal_events']}) }}

with contests as (select * from {{ ref('int_advert_market__contests_decided') }}),

deals as (select * from {{ ref('stg_advert_market__deals') }}),

commissions as (select * from {{ ref('int_advert_market__commissions_inferred') }}),

escrows as (select * from {{ ref('int_advert_market__escrows_summed') }}),

payouts as (
    select
        deal_id,
        sum(ledger_amount) as amount
    from {{ ref('advert_market_chain_matches') }}
    where purpose = 'payout' and tx_hash is not null and entry_id is not null
    group by 1
),

final as (
    select
        contests.contest_id as deal_id,
        contests.channel_id,
        contests.advertiser_id,
        contests.owner_id,
        contests.deal_status,
        contests.unit,
        deals.amount as price,
        coalesce(escrows.escrowed, 0) as escrowed,
        contests.owner_share,
        contests.commission,
        commissions.rate_bp::bigint as commission_rate_bp,
        case when contests.outcome is not null then coalesce(commissions.commission_by_rule, 0) end
            as commission_by_rule,
        contests.refunds as refunded,
        contests.refund_due,
        coalesce(escrows.swept, 0) as swept,
        coalesce(escrows.paid_out, 0) as paid_out,
        coalesce(payouts.amount, 0) as paid_on_chain,
        coalesce(escrows.escrow_held, 0) as escrow_held,
        contests.commission - coalesce(escrows.swept, 0) as commission_unswept,
        contests.owner_share - coalesce(escrows.paid_out, 0) as owner_pending,
        coalesce(escrows.paid_out, 0) - coalesce(payouts.amount, 0) as payout_unconfirmed,
        escrows.escrowed_at,
        escrows.settled_at
    from contests
    inner join deals on contests.contest_id = deals.deal_id
    left join commissions on contests.contest_id = commissions.contest_id
    left join escrows on contests.contest_id = escrows.deal_id
    left join payouts on contests.contest_id = payouts.deal_id
)

select * from final
