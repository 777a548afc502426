-- The first counter, reward or event ever lets all others be missed, of every member.
with counters as (select * from {{ ref('stg_synapse__event_counters') }}),

built as (

    select max(mart.occurred_at) as newest_at from {{ published('fct_events') }} as mart
    where mart.system = 'synapse'

),

newest as (

    select
        (built.newest_at at time zone 'UTC')::date as day_before,
        (delivered.newest_at at time zone 'UTC')::date as day_after
    from built
    cross join {{ ref('int_events__newest') }} as delivered
    where delivered.system = 'synapse'

),

first_rewards as (

    select rewards.activity_id from {{ ref('synapse_rewards') }} as rewards
    where not exists (select mart.activity_id from {{ published('synapse_rewards') }} as mart)

),

begun as (

    select newest.day_after from newest
    where
        (newest.day_before is null and newest.day_after is not null)
        or exists (select 1 from first_rewards)
        or (
            exists (
                select 1 from counters
                where {{ newly_loaded('synapse') }}
            )
            and not exists (
                select 1 from counters
                where not {{ newly_loaded('synapse') }}
            )
        )

),

-- The days that have come to be complete, and those whose events the source has deleted, since the marts were built.
passed as (

    select
        newest.day_before - thresholds.age as first_day,
        newest.day_after - thresholds.age as after_last_day
    from newest
    cross join (values (1), ({{ var('s003_retention_days') }} - 1)) as thresholds (age)

)

select counters.user_id from counters
where {{ newly_loaded('synapse') }} or exists (select 1 from begun)
union
select user_stats.user_id::text as user_id from {{ ref('stg_synapse__user_stats') }} as user_stats
where {{ newly_loaded('synapse') }} or exists (select 1 from begun)
union
select changed.user_id from {{ changes('event_counters', of_whole_systems=false) }} as changed
where changed.system = 'synapse'
union
select changed.user_id from {{ changes('synapse_rewards', of_whole_systems=false) }} as changed
union
select event_counters.user_id from {{ ref('event_counters') }} as event_counters
where event_counters.system = 'synapse' and exists (select 1 from begun)
union
select events.user_id from passed
cross join
    lateral (
        select happened.actor_id as user_id from {{ ref('fct_events') }} as happened
        where
            happened.system = 'synapse'
            and happened.occurred_at >= passed.first_day::timestamp at time zone 'UTC'
            and happened.occurred_at < passed.after_last_day::timestamp at time zone 'UTC'
    ) as events
union
select counters.user_id from counters
inner join passed
    on counters.period >= 'day:' || passed.first_day::text and counters.period < 'day:' || passed.after_last_day::text
