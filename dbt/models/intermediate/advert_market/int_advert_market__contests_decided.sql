with deals as (
    select *
    from {{ ref('stg_advert_market__deals') }}
    where {{ touched('advert_market', 'contests', 'deal_id', 'contest_id') }}
),

escrows as (select * from {{ ref('int_advert_market__escrows_summed') }}),

splits as (select * from {{ ref('int_advert_market__refunds_split') }}),

changes as (
    select
        deal_id,
        max(occurred_at) as changed_at
    from {{ ref('stg_advert_market__deal_events') }}
    where to_status is not null and {{ touched('advert_market', 'contests', 'deal_id', 'contest_id') }}
    group by 1
),

decided as (
    select
        deals.deal_id as contest_id,
        deals.channel_id,
        deals.advertiser_id,
        deals.owner_id,
        deals.status as deal_status,
        deals.unit,
        escrows.deal_id is not null as is_recorded,
        case
            when deals.status = 'COMPLETED_RELEASED' then 'released'
            when deals.status in ('REFUNDED', 'CANCELLED', 'EXPIRED') then 'refunded'
            when deals.status = 'PARTIALLY_REFUNDED' then 'partially_refunded'
        end as outcome,
        coalesce(escrows.escrowed, deals.amount) as stakes,
        coalesce(escrows.owner_share, 0) as owner_share,
        coalesce(escrows.commission, 0) as commission,
        coalesce(escrows.refunded, 0) as refunds,
        splits.owner_share_bp,
        coalesce(escrows.settled_at, deals.updated_at) as settled_at,
        greatest(deals.updated_at, changes.changed_at) as changed_at
    from deals
    left join escrows on deals.deal_id = escrows.deal_id
    left join splits on deals.deal_id = splits.deal_id
    left join changes on deals.deal_id = changes.deal_id
    where deals.funded_at is not null or escrows.escrowed > 0
),

final as (
    select
        *,
        case outcome
            when 'released' then 0
            when 'refunded' then stakes
            when 'partially_refunded'
                -- The advertiser gets what rounding leaves; without a known share the ledger's own split stands.
                then coalesce(stakes - {{ whole_division('stakes * owner_share_bp', 10000) }}, refunds)
        end as refund_due
    from decided
)

select * from final
