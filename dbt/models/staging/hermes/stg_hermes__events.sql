select
    id::text as clip_id,
    coalesce(title_en, title_sv) as title,
    status,
    preview_start_ms,
    preview_end_ms,
    lock_at,
    _load_id
from {{ source('hermes', 'events') }}
