with users as (

    select * from {{ ref('stg_synapse__users') }}

),

user_stats as (

    select * from {{ ref('stg_synapse__user_stats') }}

),

seasons as (

    select * from {{ ref('stg_synapse__seasons') }}

),

rewards as (

    select * from {{ ref('synapse_rewards') }}

),

of_members as (

    select
        scores.board,
        'lifetime' as period,
        users.user_id::text as entity_id,
        scores.points,
        coalesce(users.updated_at, users.created_at) as happened_at
    from users
    cross join lateral (
        values ('gold', users.gold), ('xp', users.xp), ('level', users.current_level)
    ) as scores (board, points)

),

of_seasons as (

    select
        scores.board,
        periods.period,
        user_stats.user_id::text as entity_id,
        scores.points,
        seasons.starts_at as happened_at
    from user_stats
    inner join seasons on user_stats.season_id = seasons.season_id
    cross join lateral (values ('lifetime'), ('season:' || user_stats.season_id)) as periods (period)
    cross join lateral (
        values ('season_stars', user_stats.season_stars), ('voice_minutes', user_stats.voice_minutes)
    ) as scores (board, points)

),

scores as (

    select * from of_members
    union all
    select * from of_seasons

),

-- No journal tells of gold. Of the rest it does, so the bot's totals stand in only while no entry was ever delivered.
final as (

    select
        *,
        'entity' as cause_kind,
        entity_id as cause_id
    from scores
    where board = 'gold' or not exists (select 1 from rewards)

)

select * from final
