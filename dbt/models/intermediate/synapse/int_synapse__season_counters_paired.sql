with user_stats as (

    select * from {{ ref('stg_synapse__user_stats') }}
    where {{ touched('synapse', 'counters', 'user_id::text', 'user_id') }}

),

rewards as (

    select * from {{ ref('synapse_rewards') }}
    where {{ touched('synapse', 'counters', 'user_id') }}

),

-- Every rewarded event counts, those of no XP too; what was rewarded while no season was active counts in none.
by_season as (

    select
        user_id,
        season_id,
        sum(stars) as stars,
        sum(sum(stars)) over (partition by user_id) as stars_of_all_seasons,
        sum(case when event_type = 'MESSAGE' then 1 else 0 end) as messages,
        sum(case when event_type = 'REACTION_GIVEN' then 1 else 0 end) as reactions_given,
        sum(case when event_type = 'REACTION_RECEIVED' then 1 else 0 end) as reactions_received,
        sum(case when event_type = 'THREAD_CREATE' then 1 else 0 end) as threads,
        sum(voice_minutes) as voice_minutes
    from rewards
    where season_id is not null
    group by 1, 2

),

recorded_counters as (

    select
        user_stats.user_id::text as user_id,
        user_stats.season_id::text as season_id,
        counters.counter,
        counters.recorded
    from user_stats
    cross join lateral (
        values
        ('season_stars', user_stats.season_stars),
        ('lifetime_stars', user_stats.lifetime_stars),
        ('messages_sent', user_stats.messages_sent),
        ('reactions_given', user_stats.reactions_given),
        ('reactions_received', user_stats.reactions_received),
        ('threads_created', user_stats.threads_created),
        ('voice_minutes', user_stats.voice_minutes)
    ) as counters (counter, recorded)

),

recounted_counters as (

    select
        by_season.user_id,
        by_season.season_id,
        by_season.stars,
        counters.counter,
        counters.recounted
    from by_season
    cross join lateral (
        values
        ('season_stars', by_season.stars),
        ('lifetime_stars', by_season.stars_of_all_seasons),
        ('messages_sent', by_season.messages),
        ('reactions_given', by_season.reactions_given),
        ('reactions_received', by_season.reactions_received),
        ('threads_created', by_season.threads),
        ('voice_minutes', by_season.voice_minutes)
    ) as counters (counter, recounted)

),

-- Before any entry of the log was delivered there is nothing to hold the counters against.
final as (

    select
        coalesce(recorded_counters.user_id, recounted_counters.user_id) as user_id,
        coalesce(recorded_counters.season_id, recounted_counters.season_id) as season_id,
        coalesce(recorded_counters.counter, recounted_counters.counter) as counter,
        recorded_counters.recorded is not null as is_recorded,
        coalesce(recorded_counters.recorded, 0) as recorded,
        coalesce(recounted_counters.recounted, 0) as recounted,
        coalesce(recounted_counters.stars, 0) as stars
    from recorded_counters
    full join recounted_counters
        on
            recorded_counters.user_id = recounted_counters.user_id
            and recorded_counters.season_id = recounted_counters.season_id
            and recorded_counters.counter = recounted_counters.counter
    where exists (select 1 from {{ ref('synapse_rewards') }})

)

select * from final
