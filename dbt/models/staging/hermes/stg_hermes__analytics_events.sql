select
    id::text as event_id,
    analytics_event_type_id::text as event_type_id,
    session_id::text as session_id,
    user_id::text as user_id,
    occurred_at,
    _load_id
from {{ source('hermes', 'analytics_events') }}
