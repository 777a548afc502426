with lake_counters as (

    select * from {{ ref('int_synapse__lake_counters_explained') }}

),

season_counters as (

    select * from {{ ref('int_synapse__season_counters_paired') }}

),

explained as (

    select
        'user:' || user_id as subject,
        recorded,
        recounted,
        cause,
        broken_since,
        event_type
        || case when category_id <> '0' then ' category:' || category_id else '' end
        || ' ' || case when period = 'season' then 'season_counter_raw' else period end as counter,
        'every event captured'
        || case
            when cause = 'retention_truncation' and recorded = retained
                then '; recorded are those still in the lake'
            else ''
        end as basis
    from lake_counters
    union all
    select
        'user:' || user_id as subject,
        recorded,
        recounted,
        case
            when recorded = recounted then null
            when not is_recorded then 'missing counter'
            -- The source raises both columns on the season's row, so the career total never leaves the season.
            when counter = 'lifetime_stars' and recorded = stars then 'kept per season'
            when recorded > recounted then 'missing events'
            else 'events not counted'
        end as cause,
        null::timestamptz as broken_since,
        counter || ' season:' || season_id as counter,
        case counter
            when 'lifetime_stars' then 'stars of all seasons in the activity log'
            when 'season_stars' then 'stars in the activity log'
            when 'voice_minutes' then 'minutes of voice ticks in the activity log'
            else 'entries of the activity log'
        end as basis
    from season_counters

),

final as (

    select
        subject,
        counter,
        {{ whole('recorded') }} as recorded,
        {{ whole('recounted') }} as recounted,
        basis,
        {{ whole('recorded - recounted') }} as drift,
        cause,
        broken_since
    from explained

)

select * from final
