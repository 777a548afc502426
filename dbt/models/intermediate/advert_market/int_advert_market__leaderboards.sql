with contests as (select * from {{ ref('int_advert_market__contests_decided') }}),

deals as (select * from {{ ref('stg_advert_market__deals') }}),

channels as (select * from {{ ref('stg_advert_market__channels') }}),

scores as (
    select
        'owner_released' as board,
        owner_id as entity_id,
        owner_share as score
    from contests
    union all
    select
        'owner_released' as board,
        owner_id as entity_id,
        0 as score
    from channels
    union all
    select
        'channel_deals' as board,
        channel_id as entity_id,
        1 as score
    from contests
    union all
    select
        'channel_deals' as board,
        channel_id as entity_id,
        0 as score
    from channels
    union all
    select
        'advertiser_spend' as board,
        advertiser_id as entity_id,
        owner_share + commission as score
    from contests
    union all
    select
        'advertiser_spend' as board,
        advertiser_id as entity_id,
        0 as score
    from deals
),

totals as (
    select
        board,
        entity_id,
        sum(score) as score
    from scores
    group by 1, 2
),

final as (
    select
        board,
        'lifetime' as period,
        rank() over (partition by board order by score desc) as rank,
        entity_id,
        score,
        'competition' as tie_rule
    from totals
)

select * from final
