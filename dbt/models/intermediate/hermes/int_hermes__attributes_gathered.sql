with castable as (
    select * from {{ ref('int_hermes__attributes_cast') }}
    where is_castable and {{ touched('hermes', 'events', 'telemetry_event_id', 'event_id') }}
),

-- One value per key: a key given twice breaks B-15, and keeps its greatest value here.
deduplicated as (
    select
        telemetry_event_id,
        attribute_key,
        max(attribute_value) as attribute_value,
        max(_load_id) as _load_id
    from castable
    group by 1, 2
),

final as (
    select
        telemetry_event_id,
        coalesce(
            max(attribute_value) filter (where attribute_key = 'market_id'),
            max(attribute_value) filter (where attribute_key = 'event_id')
        ) as subject_id,
        {{ json_gathered('attribute_key', 'attribute_value') }} as attributes,
        max(_load_id) as _load_id
    from deduplicated
    group by 1
)

select * from final
