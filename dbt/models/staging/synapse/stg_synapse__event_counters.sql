select
    user_id::text as user_id,
    event_type,
    category_id::text as category_id,
    period,
    count as recorded,
    _load_id
from {{ source('synapse', 'event_counters') }}
