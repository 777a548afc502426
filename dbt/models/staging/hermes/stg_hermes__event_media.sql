select
    id::text as media_id,
    event_id::text as clip_id,
    preview_start_ms,
    preview_end_ms,
    _load_id
from {{ source('hermes', 'event_media') }}
