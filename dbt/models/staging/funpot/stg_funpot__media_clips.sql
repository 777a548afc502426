select
    id::text as clip_id,
    streamer_id::text as streamer_id,
    duration_sec,
    created_at as stored_at,
    _load_id
from {{ source('funpot', 'media_clips') }}
