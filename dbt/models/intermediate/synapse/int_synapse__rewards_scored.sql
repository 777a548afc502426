with activity as (

    select * from {{ ref('stg_synapse__activity_log') }}

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
    where exists (select 1 from activity)

),

level_ups as (

    select
        'level' as board,
        'lifetime' as period,
        user_id::text as entity_id,
        1 as points,
        rewarded_at as happened_at,
        'event' as cause_kind,
        'activity:' || activity_id as cause_id
    from activity
    where event_type = 'LEVEL_UP'

),

voice_ticks as (

    select
        'voice_minutes' as board,
        periods.period,
        activity.user_id::text as entity_id,
        coalesce(activity.tick_minutes, {{ var('s003_voice_tick_minutes') }}) as points,
        activity.rewarded_at as happened_at,
        'event' as cause_kind,
        'activity:' || activity.activity_id as cause_id
    from activity
    cross join lateral (values ('lifetime'), ('season:' || activity.season_id)) as periods (period)
    where activity.event_type = 'VOICE_TICK' and periods.period is not null

),

final as (

    select * from beginnings
    union all
    select * from level_ups
    union all
    select * from voice_ticks

)

select * from final
