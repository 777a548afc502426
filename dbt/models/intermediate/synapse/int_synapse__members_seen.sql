with users as (

    select * from {{ ref('stg_synapse__users') }}

),

events as (

    select * from {{ ref('fct_events') }}
    where system = 'synapse'

),

activity as (

    select * from {{ ref('stg_synapse__activity_log') }}

),

first_events as (

    select
        actor_id,
        season_id,
        min(occurred_at) as seen_at
    from events
    group by 1, 2

),

first_rewards as (

    select
        user_id::text as user_id,
        season_id::text as season_id,
        min(rewarded_at) as seen_at
    from activity
    where season_id is not null
    group by 1, 2

),

sightings as (

    select
        user_id::text as user_id,
        'lifetime' as period,
        created_at as seen_at
    from users
    union all
    select
        actor_id as user_id,
        'lifetime' as period,
        seen_at
    from first_events
    union all
    select
        actor_id as user_id,
        'season:' || season_id as period,
        seen_at
    from first_events
    where season_id is not null
    union all
    select
        user_id,
        'season:' || season_id as period,
        seen_at
    from first_rewards

),

final as (

    select
        user_id,
        period,
        min(seen_at) as seen_at
    from sightings
    group by 1, 2

)

select * from final
