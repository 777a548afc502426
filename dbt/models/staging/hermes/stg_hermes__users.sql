select
    id::text as user_id,
    external_ref,
    preferred_language,
    device_platform,
    created_at,
    _load_id
from {{ source('hermes', 'users') }}
