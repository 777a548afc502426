with recorded_counters as (

    select
        *,
        -- The source never resets `season` and never shortens it: it is a second lifetime counter.
        case when period = 'season' then 'lifetime' else period end as counted_period
    from {{ ref('stg_synapse__event_counters') }}
    where {{ touched('synapse', 'counters', 'user_id') }}

),

-- Where the source delivers no counters at all, none is missing.
event_counters as (

    select counters.*
    from {{ looked_up(
        'event_counters', 'touched_synapse__counters', ['user_id'], 'synapse',
        condition="mart.system = 'synapse' and (mart.period = 'lifetime' or mart.period like 'day:%')",
    ) }} as counters
    where exists (select 1 from {{ ref('stg_synapse__event_counters') }})

),

newest as (

    select (newest_at at time zone 'UTC')::date as day
    from {{ ref('int_events__newest') }}
    where system = 'synapse'

),

paired as (

    select
        coalesce(recorded_counters.user_id, event_counters.user_id) as user_id,
        coalesce(recorded_counters.event_type, event_counters.event_type) as event_type,
        coalesce(recorded_counters.category_id, event_counters.category_id) as category_id,
        coalesce(recorded_counters.period, event_counters.period) as period,
        recorded_counters.user_id is not null as is_recorded,
        coalesce(recorded_counters.recorded, 0) as recorded,
        coalesce(event_counters.count, 0) as recounted
    from recorded_counters
    full join event_counters
        on
            recorded_counters.user_id = event_counters.user_id
            and recorded_counters.event_type = event_counters.event_type
            and recorded_counters.category_id = event_counters.category_id
            and recorded_counters.counted_period = event_counters.period

),

dated as (

    select
        paired.*,
        -- As text, which orders as the days do: a period that names no day must not stop the build.
        case when paired.period like 'day:%' then substr(paired.period, 5) end as day,
        (newest.day - {{ var('s003_retention_days') }})::text as purged_until,
        -- Rows of the lake arrive up to two days after the counters that know of them.
        (newest.day - 2)::text as complete_until
    from paired
    cross join newest

),

-- The source deletes the counters of days with their events and writes none for single categories.
final as (

    select * from dated
    where is_recorded or (category_id = '0' and coalesce(day > purged_until, true))

)

select * from final
