select
    id::text as attribute_id,
    analytics_event_id::text as event_id,
    attribute_key,
    attribute_value,
    _load_id
from {{ source('hermes', 'analytics_event_attributes') }}
