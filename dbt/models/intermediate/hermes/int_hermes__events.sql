{{ config(meta={'follows': ['analytics_events', 'analytics_event_attributes', 'sessions']}) }}

with telemetry as (
    select *
    from {{ ref('stg_hermes__analytics_events') }}
    where {{ touched('hermes', 'events', 'event_id') }}
),

event_types as (select * from {{ ref('stg_hermes__analytics_event_types') }}),

sessions as (select * from {{ ref('stg_hermes__sessions') }}),

attributes as (select * from {{ ref('int_hermes__attributes_gathered') }}),

final as (
    select
        telemetry.event_id,
        telemetry.user_id as actor_id,
        coalesce(event_types.event_name, 'unknown') as event_type,
        attributes.subject_id,
        null::text as category_id,
        null::text as season_id,
        telemetry.occurred_at,
        {{ json_object({
            'session_id': 'telemetry.session_id',
            'experiment_variant': 'sessions.experiment_variant',
            'locale_code': 'sessions.locale_code',
            'attributes': 'attributes.attributes',
        }) }} as payload,
        greatest(telemetry._load_id, attributes._load_id) as _load_id
    from telemetry
    left join event_types on telemetry.event_type_id = event_types.event_type_id
    left join sessions on telemetry.session_id = sessions.session_id
    left join attributes on telemetry.event_id = attributes.telemetry_event_id
)

select * from final
