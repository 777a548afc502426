{{ config(meta={'follows': ['deals', 'deal_events']}) }}

with contests as (select * from {{ ref('int_advert_market__contests_decided') }}),

commissions as (select * from {{ ref('int_advert_market__commissions_inferred') }}),

newest as (select * from {{ ref('int_advert_market__newest_instant') }}),

ruled as (
    select
        contests.*,
        -- A refund costs the advertiser nothing.
        case when contests.outcome is not null then coalesce(commissions.commission_by_rule, 0) end as fee,
        case contests.outcome
            when 'released' then 'release'
            when 'refunded' then 'full refund'
            when 'partially_refunded'
                then 'partial refund owner_share_bp=' || coalesce(contests.owner_share_bp::text, 'as posted')
        end || coalesce(' commission_bp=' || commissions.rate_bp::text, '') as rule
    from contests
    left join commissions on contests.contest_id = commissions.contest_id
),

compared as (
    select
        ruled.*,
        ruled.stakes - ruled.refund_due - ruled.fee as owner_due,
        newest.newest_at
    from ruled
    cross join newest
),

final as (
    select
        contest_id,
        'Post in channel ' || channel_id as title,
        unit,
        outcome,
        rule,
        stakes,
        fee,
        owner_due as distributable,
        owner_due as payouts_expected,
        case when is_recorded then owner_share end as payouts_recorded,
        refund_due as refunds_expected,
        refunds,
        {{ whole('0') }} as breakage,
        case when is_recorded then owner_share - owner_due + refunds - refund_due end as difference,
        case
            when outcome is null then 'open'
            when is_recorded and owner_share = owner_due and refunds = refund_due and commission = fee
                then case when deal_status in ('CANCELLED', 'EXPIRED') then 'cancelled' else 'settled' end
            -- The status may change before the money moves, and one table be delivered a little ahead of another.
            when changed_at >= newest_at - interval '10 minutes' then 'pending'
            when is_recorded then 'differs'
            else 'unrecorded'
        end as status,
        case when outcome is not null then settled_at end as settled_at
    from compared
)

select * from final
