with deposits as (
    select *
    from {{ ref('int_advert_market__coins_moved') }}
    where side = 'chain' and direction = 'IN'
),

deals as (select * from {{ ref('stg_advert_market__deals') }}),

endings as (
    select
        deal_id,
        min(occurred_at) as ended_at
    from {{ ref('stg_advert_market__deal_events') }}
    where
        to_status in ('COMPLETED_RELEASED', 'CANCELLED', 'EXPIRED', 'REFUNDED', 'PARTIALLY_REFUNDED')
        and {{ touched('advert_market', 'coins', 'deal_id', 'matched_within') }}
    group by 1
),

accumulated as (
    select
        deposits.line_id as tx_hash,
        deposits.deal_id,
        deals.amount as price,
        deposits.unit,
        deposits.amount,
        sum(deposits.amount) over (
            partition by deposits.deal_id
            order by deposits.moved_at, deposits.line_id
        ) as received,
        deposits.moved_at as seen_at,
        endings.ended_at
    from deposits
    inner join deals on deposits.deal_id = deals.deal_id
    left join endings on deposits.deal_id = endings.deal_id
),

final as (
    select
        tx_hash,
        deal_id,
        unit,
        price,
        amount,
        received,
        greatest(received - price, 0) - greatest(received - amount - price, 0) as excess,
        seen_at,
        case
            when seen_at >= ended_at then 'late deposit'
            when received > price then 'over'
            when amount = price then 'exact'
            else 'partial'
        end as classification
    from accumulated
)

select * from final
