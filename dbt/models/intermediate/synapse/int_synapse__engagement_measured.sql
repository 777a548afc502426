with events as (

    select * from {{ ref('fct_events') }}
    where
        system = 'synapse'
        and subject_id is not null
        and event_type in ('message_create', 'reaction_add', 'thread_create', 'voice_join', 'voice_move', 'voice_leave')

),

-- Who idles in voice, muted and deaf or in the channel for it, is present but not engaged.
engaged as (

    select
        *,
        payload ->> 'duration_seconds' as duration
    from events
    where coalesce(payload ->> 'is_afk', payload ->> 'was_afk', 'false') <> 'true'

),

final as (

    select
        system,
        event_id,
        subject_id as channel_id,
        actor_id,
        event_type,
        occurred_at,
        coalesce(category_id, '0') as category_id,
        (occurred_at at time zone 'UTC')::date as day,
        -- After a restart the bot has forgotten when a stay began and says 0; what is no whole number counts as that.
        case
            when event_type = 'voice_leave' and {{ matches('duration', '^[0-9]{1,9}$') }} then duration::integer
            else 0
        end as voice_seconds
    from engaged

)

select * from final
