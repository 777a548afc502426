with rewards as (

    select * from {{ ref('synapse_rewards') }}

),

users as (

    select * from {{ ref('stg_synapse__users') }}

),

-- Everybody begins at level 1 with no XP.
beginnings as (

    select
        scores.board,
        'lifetime' as period,
        users.user_id::text as entity_id,
        scores.points,
        users.created_at as happened_at,
        'entity' as cause_kind,
        users.user_id::text as cause_id
    from users
    cross join (values ('level', 1), ('xp', 0)) as scores (board, points)
    where exists (select 1 from rewards)

),

level_ups as (

    select
        'level' as board,
        'lifetime' as period,
        user_id as entity_id,
        1 as points,
        rewarded_at as happened_at,
        'event' as cause_kind,
        'activity:' || activity_id as cause_id
    from rewards
    where event_type = 'LEVEL_UP'

),

voice_ticks as (

    select
        'voice_minutes' as board,
        periods.period,
        rewards.user_id as entity_id,
        rewards.voice_minutes as points,
        rewards.rewarded_at as happened_at,
        'event' as cause_kind,
        'activity:' || rewards.activity_id as cause_id
    from rewards
    cross join lateral (values ('lifetime'), ('season:' || rewards.season_id)) as periods (period)
    where rewards.event_type = 'VOICE_TICK' and periods.period is not null

),

final as (

    select * from beginnings
    union all
    select * from level_ups
    union all
    select * from voice_ticks

)

select * from final
