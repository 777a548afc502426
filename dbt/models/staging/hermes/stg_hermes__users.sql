select
    id::text as user_id,
    created_at,
    _load_id
from {{ source('hermes', 'users') }}
