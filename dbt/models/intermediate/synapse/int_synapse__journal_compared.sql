with members as (
    select distinct split_part(account_id, ':', 2) as user_id
    from {{ ref('int_balances__drifting') }}
    where system = 'synapse'
),

journal as (
    select
        user_id::text as user_id,
        season_id::text as season_id,
        count(*) filter (
            where event_type in ('MESSAGE', 'REACTION_GIVEN', 'REACTION_RECEIVED', 'THREAD_CREATE')
        ) as rewarded,
        count(*) filter (where event_type in ('MESSAGE', 'THREAD_CREATE')) as written,
        count(*) filter (where event_type = 'ACHIEVEMENT_EARNED') as achievements,
        coalesce(
            sum(coalesce(tick_minutes, {{ var('s003_voice_tick_minutes') }}))
            filter (where event_type = 'VOICE_TICK'), 0
        ) as voice_minutes
    from {{ ref('stg_synapse__activity_log') }}
    where user_id::text in (select members.user_id from members)
    group by 1, 2
),

statistics as (
    select
        user_id::text as user_id,
        season_id::text as season_id,
        messages_sent + reactions_given + reactions_received + threads_created as rewarded,
        voice_minutes
    from {{ ref('stg_synapse__user_stats') }}
    where user_id::text in (select members.user_id from members)
),

by_season as (
    select
        statistics.user_id,
        statistics.season_id,
        'user_stats' as counted_by,
        greatest(
            statistics.rewarded - coalesce(journal.rewarded, 0),
            statistics.voice_minutes - coalesce(journal.voice_minutes, 0)
        ) as lacking
    from statistics
    left join journal on statistics.user_id = journal.user_id and statistics.season_id = journal.season_id
),

all_seasons as (
    select
        user_id,
        sum(written) as written,
        sum(achievements) as achievements
    from journal
    group by 1
),

captured as (
    select
        actor_id as user_id,
        count(*) as written
    from {{ ref('fct_events') }}
    where
        system = 'synapse' and event_type in ('message_create', 'thread_create')
        and actor_id in (select members.user_id from members)
    group by 1
),

earned as (
    select
        user_id,
        count(*) as achievements
    from {{ ref('stg_synapse__user_achievements') }}
    where user_id in (select members.user_id from members)
    group by 1
),

final as (
    select * from by_season
    union all
    select
        captured.user_id,
        null::text as season_id,
        'the event lake' as counted_by,
        captured.written - coalesce(all_seasons.written, 0) as lacking
    from captured
    left join all_seasons on captured.user_id = all_seasons.user_id
    union all
    select
        earned.user_id,
        null::text as season_id,
        'user_achievements' as counted_by,
        earned.achievements - coalesce(all_seasons.achievements, 0) as lacking
    from earned
    left join all_seasons on earned.user_id = all_seasons.user_id
)

select * from final
