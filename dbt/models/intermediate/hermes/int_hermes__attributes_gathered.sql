{%- set shared_keys = [
    'screen_name',
    'event_id',
    'market_id',
    'outcome_id',
    'odds_version_id',
    'countdown_ms_remaining',
    'locale_code',
    'experiment_variant',
    'network_type',
    'device_orientation',
    'playback_position_ms',
    'latency_ms',
] -%}

with attributes as (select * from {{ ref('stg_hermes__analytics_event_attributes') }}),

-- One value per key: a key given twice breaks B-15, and keeps its greatest value here.
pivoted as (
    select
        event_id as telemetry_event_id,
        {% for key in shared_keys %}
            max(attribute_value) filter (where attribute_key = '{{ key }}') as {{ key }},
        {% endfor %}
        max(_load_id) as _load_id
    from attributes
    group by 1
),

final as (
    select
        telemetry_event_id,
        coalesce(market_id, event_id) as subject_id,
        jsonb_strip_nulls(to_jsonb(pivoted) - array['telemetry_event_id', '_load_id']) as payload,
        _load_id
    from pivoted
)

select * from final
