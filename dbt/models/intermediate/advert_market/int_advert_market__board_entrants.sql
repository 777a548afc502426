with channels as (select * from {{ ref('stg_advert_market__channels') }}),

deals as (select * from {{ ref('stg_advert_market__deals') }}),

final as (
    select
        boards.board,
        boards.entity_id,
        min(channels.listed_at) as entered_at
    from channels
    cross join
        lateral (
            values
            ('owner_released', channels.owner_id), ('owner_deals', channels.owner_id),
            ('channel_released', channels.channel_id), ('channel_deals', channels.channel_id)
        ) as boards (board, entity_id)
    group by 1, 2
    union all
    select
        boards.board,
        boards.entity_id,
        min(deals.drafted_at) as entered_at
    from deals
    cross join
        lateral (
            values ('advertiser_spend', deals.advertiser_id), ('advertiser_deals', deals.advertiser_id)
        ) as boards (board, entity_id)
    group by 1, 2
)

select * from final
