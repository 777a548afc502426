select
    id::text as event_type_id,
    event_name,
    _load_id
from {{ source('hermes', 'analytics_event_types') }}
