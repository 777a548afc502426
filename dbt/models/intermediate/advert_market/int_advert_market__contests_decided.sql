with deals as (select * from {{ ref('stg_advert_market__deals') }}),

escrows as (select * from {{ ref('int_advert_market__escrows_summed') }}),

ledger as (select exists(select 1 from {{ ref('stg_advert_market__ledger_entries') }}) as is_delivered),

final as (
    select
        deals.deal_id as contest_id,
        deals.channel_id,
        deals.advertiser_id,
        deals.owner_id,
        deals.status as deal_status,
        deals.unit,
        ledger.is_delivered as is_recorded,
        case
            when deals.status = 'COMPLETED_RELEASED' then 'released'
            when deals.status in ('REFUNDED', 'CANCELLED', 'EXPIRED') then 'refunded'
            when deals.status = 'PARTIALLY_REFUNDED' then 'partially_refunded'
        end as outcome,
        case when ledger.is_delivered then coalesce(escrows.escrowed, 0) else deals.amount end as stakes,
        coalesce(escrows.owner_share, 0) as owner_share,
        coalesce(escrows.commission, 0) as commission,
        coalesce(escrows.refunded, 0) as refunds,
        coalesce(escrows.settled_at, deals.updated_at) as settled_at
    from deals
    cross join ledger
    left join escrows on deals.deal_id = escrows.deal_id
    where deals.funded_at is not null or escrows.escrowed > 0
)

select * from final
