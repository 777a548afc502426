select
    'hermes'::text as system,
    attribute_id,
    telemetry_event_id as event_id,
    attribute_key,
    value_type as expected_type,
    length(attribute_value) as value_length
from {{ ref('int_hermes__attributes_cast') }}
where not is_castable and {{ is_open("'hermes'") }}
