with events as (
    select
        event_id,
        actor_id,
        event_type,
        occurred_at,
        payload ->> 'session_id' as session_id,
        payload -> 'attributes' as attributes
    from {{ ref('fct_events') }}
    where system = 'hermes'
),

described as (
    select
        events.event_id,
        events.session_id,
        participants.external_ref as user_id,
        coalesce(sessions.experiment_variant, participants.experiment_variant, 'unknown') as experiment_variant,
        coalesce(sessions.locale_code, participants.preferred_language, 'unknown') as locale_code,
        events.event_type as event_name,
        events.occurred_at,
        events.attributes
    from events
    left join {{ ref('int_hermes__sessions_described') }} as sessions on events.session_id = sessions.session_id
    left join {{ ref('int_hermes__participants') }} as participants on events.actor_id = participants.user_id
)

select
    'hermes'::text as system,
    described.session_id,
    described.user_id,
    described.experiment_variant,
    described.locale_code,
    described.event_name,
    described.occurred_at,
    members.key as attribute_key,
    {{ json_text('members.value') }} as attribute_value,
    described.event_id,
    row_number() over (partition by described.event_id order by members.key)::integer as attribute_no
from described
left join lateral {{ json_members('described.attributes') }} as members on true
where {{ is_open("'hermes'") }}
