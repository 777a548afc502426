with users as (

    select * from {{ ref('stg_synapse__users') }}

),

user_stats as (

    select * from {{ ref('stg_synapse__user_stats') }}

),

events as (

    select * from {{ ref('fct_events') }}
    where system = 'synapse'

),

messages_by_season as (

    select
        actor_id::bigint as user_id,
        season_id,
        count(*) filter (where event_type = 'message_create') as messages
    from events
    group by 1, 2

),

-- Whoever is known to a period takes part, with zero if need be: in the lifetime every member, in a season those who
-- did something in it or were rewarded.
contributions as (

    select
        user_id,
        'lifetime' as period,
        messages,
        0 as stars
    from messages_by_season
    union all
    select
        user_id,
        'lifetime' as period,
        0 as messages,
        0 as stars
    from users
    union all
    select
        user_id,
        'season:' || season_id as period,
        messages,
        0 as stars
    from messages_by_season
    where season_id is not null
    union all
    select
        user_id,
        'season:' || season_id as period,
        0 as messages,
        season_stars as stars
    from user_stats

),

by_period as (

    select
        user_id,
        period,
        {{ whole('sum(messages)') }} as messages,
        {{ whole('sum(stars)') }} as stars
    from contributions
    group by 1, 2

),

final as (

    select
        by_period.user_id,
        by_period.period,
        scores.board,
        scores.score
    from by_period
    cross join
        lateral (values ('messages', by_period.messages), ('season_stars', by_period.stars)) as scores (board, score)
    where scores.board = 'messages' or by_period.period <> 'lifetime'
    union all
    select
        users.user_id,
        'lifetime' as period,
        scores.board,
        {{ whole('scores.score') }} as score
    from users
    cross join
        lateral (values ('xp', users.xp), ('level', users.current_level), ('gold', users.gold)) as scores (board, score)

)

select * from final
