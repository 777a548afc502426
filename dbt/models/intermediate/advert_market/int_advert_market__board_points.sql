-- Of channels come only entrances, which every build lists anew.
{{ config(meta={'follows': ['deals', 'channels']}) }}

with legs as (select * from {{ ref('int_advert_market__deal_legs') }}),

deals as (select * from {{ ref('stg_advert_market__deals') }}),

entrants as (select * from {{ ref('int_advert_market__board_entrants') }}),

fundings as (
    select
        deal_id,
        min(posted_at) as funded_at
    from legs
    where step = 'escrowed'
    group by 1
),

releases as (
    select
        boards.board,
        boards.entity_id,
        legs.amount as points,
        legs.posted_at as happened_at,
        legs.deal_id
    from legs
    inner join deals on legs.deal_id = deals.deal_id
    cross join
        lateral (
            values
            ('owner_released', case when legs.step = 'owner_share' then split_part(legs.account_id, ':', 2) end),
            ('channel_released', case when legs.step = 'owner_share' then deals.channel_id end),
            ('advertiser_spend', deals.advertiser_id)
        ) as boards (board, entity_id)
    where legs.step in ('owner_share', 'commission') and boards.entity_id is not null
),

points as (
    select
        board,
        entity_id,
        points,
        happened_at,
        'contest' as cause_kind,
        deal_id as cause_id
    from releases
    union all
    select
        boards.board,
        boards.entity_id,
        1 as points,
        fundings.funded_at as happened_at,
        'contest' as cause_kind,
        fundings.deal_id as cause_id
    from fundings
    inner join deals on fundings.deal_id = deals.deal_id
    cross join
        lateral (
            values
            ('owner_deals', deals.owner_id),
            ('channel_deals', deals.channel_id),
            ('advertiser_deals', deals.advertiser_id)
        ) as boards (board, entity_id)
    union all
    select
        board,
        entity_id,
        0 as points,
        entered_at as happened_at,
        'entity' as cause_kind,
        entity_id as cause_id
    from entrants
)

select
    board,
    'lifetime' as period,
    entity_id,
    {{ decimal('points') }} as points,
    {{ whole('null') }} as weight,
    {{ decimal('null') }} as tiebreak,
    happened_at,
    cause_kind,
    cause_id
from points
