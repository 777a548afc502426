select
    id::text as streamer_id,
    status,
    added_by::text as added_by_user_id,
    created_at as submitted_at,
    _load_id
from {{ source('funpot', 'streamers') }}
