-- Of channels come only entrances, which every build lists anew.
{{ config(meta={'follows': ['deals', 'channels']}) }}

with deals as (select * from {{ ref('stg_advert_market__deals') }}),

entrants as (select * from {{ ref('int_advert_market__board_entrants') }}),

-- Told leg by leg, not as the first of all legs: asked for one day, the index on the instant serves.
fundings as (
    select
        legs.deal_id,
        legs.posted_at as funded_at
    from {{ ref('int_advert_market__deal_legs') }} as legs
    where
        legs.step = 'escrowed'
        and not exists (
            select 1
            from {{ ref('int_advert_market__deal_legs') }} as earlier
            where
                earlier.deal_id = legs.deal_id
                and earlier.step = 'escrowed'
                and (
                    earlier.posted_at < legs.posted_at
                    or (earlier.posted_at = legs.posted_at and earlier.entry_id < legs.entry_id)
                )
        )
),

releases as (
    select
        boards.board,
        boards.entity_id,
        legs.amount as points,
        legs.posted_at as happened_at,
        legs.deal_id
    from {{ ref('int_advert_market__deal_legs') }} as legs
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
