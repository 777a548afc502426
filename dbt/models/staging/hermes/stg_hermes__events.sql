select
    id::text as clip_id,
    coalesce(title_en, title_sv) as title,
    status,
    lock_at,
    _load_id
from {{ source('hermes', 'events') }}
