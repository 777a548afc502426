with attributes as (
    select *
    from {{ ref('stg_hermes__analytics_event_attributes') }}
    where
        attribute_value is not null
        and attribute_key in (
            'screen_name', 'event_id', 'market_id', 'outcome_id', 'odds_version_id', 'countdown_ms_remaining',
            'locale_code', 'experiment_variant', 'network_type', 'device_orientation', 'playback_position_ms',
            'latency_ms'
        )
),

typed as (
    select
        *,
        case
            when attribute_key in ('event_id', 'market_id', 'outcome_id', 'odds_version_id') then 'uuid'
            when attribute_key in ('countdown_ms_remaining', 'playback_position_ms', 'latency_ms') then 'number'
            else 'text'
        end as value_type
    from attributes
),

final as (
    select
        attribute_id,
        event_id as telemetry_event_id,
        attribute_key,
        value_type,
        case value_type
            when 'uuid' then {{ matches('attribute_value', '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$') }}
            -- Eighteen digits and ten places are what a decimal holds on every engine.
            when 'number' then {{ matches('attribute_value', '^-?[0-9]{1,18}([.][0-9]{1,10})?$') }}
            else true
        end as is_castable,
        case value_type when 'uuid' then lower(attribute_value) else attribute_value end as attribute_value,
        _load_id
    from typed
)

select * from final
