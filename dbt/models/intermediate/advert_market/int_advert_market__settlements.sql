with contests as (select * from {{ ref('int_advert_market__contests_decided') }}),

commissions as (select * from {{ ref('int_advert_market__commissions_inferred') }}),

ruled as (
    select
        contests.*,
        -- A refund costs the advertiser nothing.
        coalesce(commissions.commission_by_rule, 0) as fee,
        contests.stakes - contests.refunds - coalesce(commissions.commission_by_rule, 0) as distributable
    from contests
    left join commissions on contests.contest_id = commissions.contest_id
),

compared as (
    select
        *,
        case when is_recorded then owner_share - distributable end as difference
    from ruled
),

final as (
    select
        contest_id,
        'Post in channel ' || channel_id as title,
        unit,
        outcome,
        stakes,
        case when outcome is not null then fee end as fee,
        case when outcome is not null then distributable end as distributable,
        case when outcome is not null then distributable end as payouts_expected,
        case when is_recorded then owner_share end as payouts_recorded,
        refunds,
        0::numeric as breakage,
        case when outcome is not null then difference end as difference,
        case
            when outcome is null then 'open'
            when not is_recorded then 'unrecorded'
            when difference <> 0 then 'differs'
            when deal_status in ('CANCELLED', 'EXPIRED') then 'cancelled'
            else 'settled'
        end as status,
        case when outcome is not null then settled_at end as settled_at
    from compared
)

select * from final
