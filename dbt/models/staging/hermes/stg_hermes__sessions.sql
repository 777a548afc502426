select
    id::text as session_id,
    user_id::text as user_id,
    experiment_variant,
    locale_code,
    started_at,
    ended_at,
    _load_id
from {{ source('hermes', 'sessions') }}
