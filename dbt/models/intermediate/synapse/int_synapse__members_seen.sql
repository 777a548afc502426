with users as (

    select
        user_id::text as user_id,
        created_at
    from {{ ref('stg_synapse__users') }}
    where {{ touched('synapse', 'members', 'user_id::text', 'user_id') }}

),

seasons as (

    select * from {{ ref('stg_synapse__seasons') }}

),

-- Periods other than days come after them: a range that an index serves, where a member has ten times as many days.
counters as (

    select counters.*
    from {{ looked_up(
        'event_counters', 'touched_synapse__members', ['user_id'], 'synapse',
        condition="mart.system = 'synapse' and mart.period > 'e' and mart.category_id = '0'",
    ) }} as counters

),

-- Whoever did something before the bot told of them.
strangers as (

    select distinct user_id
    from counters
    where period = 'lifetime' and user_id not in (select users.user_id from users)

),

first_events as (

    select
        actor_id as user_id,
        min(occurred_at) as seen_at
    from {{ ref('fct_events') }}
    where system = 'synapse' and actor_id in (select strangers.user_id from strangers)
    group by 1

),

-- Who takes part in a season stands on its boards from the season's first instant on.
takers_part as (

    select
        user_id::text as user_id,
        season_id::text as season_id
    from {{ ref('stg_synapse__user_stats') }}
    where {{ touched('synapse', 'members', 'user_id::text', 'user_id') }}
    union
    select
        user_id,
        split_part(period, ':', 2) as season_id
    from counters
    where period like 'season:%'

),

final as (

    select
        user_id,
        'lifetime' as period,
        created_at as seen_at
    from users
    union all
    select
        user_id,
        'lifetime' as period,
        seen_at
    from first_events
    union all
    select
        takers_part.user_id,
        'season:' || takers_part.season_id as period,
        seasons.starts_at as seen_at
    from takers_part
    inner join seasons on takers_part.season_id = seasons.season_id::text

)

select * from final
