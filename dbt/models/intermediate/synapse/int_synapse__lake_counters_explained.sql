with counters as (

    select * from {{ ref('int_synapse__lake_counters_paired') }}

),

backfills as (

    select * from {{ ref('int_synapse__backfills_bounded') }}

),

-- What a member's days say of the member's lifetime: events still in the source's lake, and events that its counters
-- of days know while we do not.
members as (

    select
        *,
        sum(case when day > purged_until then recounted else 0 end) over member as retained,
        sum(case when recorded > recounted and day > complete_until then recorded - recounted else 0 end)
            over member as awaited,
        sum(case when recorded > recounted and day is not null then recorded - recounted else 0 end)
            over member as known_to_days,
        min(case when recorded > recounted then day end) over member as first_day_missed,
        max(case when period = 'season' then recorded - recounted end) over member as season_excess
    from counters
    window member as (partition by user_id, event_type, category_id)

),

explained as (

    select
        members.user_id,
        members.event_type,
        members.category_id,
        members.period,
        members.recorded,
        members.recounted,
        members.retained,
        members.day,
        members.first_day_missed,
        case
            when members.recorded = members.recounted then null
            when not members.is_recorded then 'missing counter'
            when members.period not in ('lifetime', 'season') and members.day is null then 'unknown period'
            when members.recorded > members.recounted and members.day > members.complete_until then 'late events'
            when members.recorded > members.recounted and members.day is not null then 'missing events'
            when members.recorded - members.recounted between 1 and members.awaited then 'late events'
            when members.recorded - members.recounted between 1 and members.known_to_days then 'missing events'
            when
                members.period = 'lifetime' and members.recorded > members.recounted
                and members.recorded - members.recounted <= backfills.excess_events
                then 'backfill'
            when
                members.recorded > members.recounted
                and members.recorded - members.recounted <= members.season_excess
                then 'purged before the first delivery'
            when members.recorded > members.recounted then 'wrong count'
            when members.period = 'lifetime' and members.recorded >= members.retained then 'retention_truncation'
            else 'events not counted'
        end as cause
    from members
    left join backfills
        on
            members.user_id = backfills.user_id
            and members.event_type = backfills.event_type
            and members.category_id = '0'

),

final as (

    select
        user_id,
        event_type,
        category_id,
        period,
        recorded,
        recounted,
        retained,
        cause,
        case
            when cause is not null and day is not null then {{ day_begun('day') }}
            -- The days that know of them are why the lifetime lacks them.
            when cause = 'missing events' then {{ day_begun('first_day_missed') }}
        end as broken_since
    from explained

)

select * from final
