select
    id::text as event_id,
    guild_id,
    user_id,
    event_type,
    channel_id,
    target_id,
    payload,
    timestamp as occurred_at,
    _load_id
from {{ source('synapse', 'event_lake') }}
