with changes as (
    select *
    from {{ ref('stg_advert_market__deal_events') }}
    where to_status = 'PARTIALLY_REFUNDED' and {{ touched('advert_market', 'contests', 'deal_id', 'contest_id') }}
),

stated as (
    select distinct on (deal_id)
        deal_id,
        case when {{ matches('owner_share_bp_stated', '^(10000|[0-9]{1,4})$') }} then owner_share_bp_stated::bigint end
            as share_bp_stated,
        case
            when {{ matches('hours_live_stated', '^[0-9]{1,6}([.][0-9]{1,9})?$') }}
                then {{ decimal('hours_live_stated') }}
        end as hours_live
    from changes
    order by deal_id asc, occurred_at desc, event_id desc
),

final as (
    select
        deal_id,
        coalesce(
            share_bp_stated,
            case
                when hours_live < 1 then 1000
                when hours_live < 6 then 2500
                when hours_live < 12 then 5000
                when hours_live < 24 then 7500
                when hours_live >= 24 then 10000
            end
        ) as owner_share_bp
    from stated
)

select * from final
