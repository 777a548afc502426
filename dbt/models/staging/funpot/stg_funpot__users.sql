select
    id::text as user_id,
    created_at as registered_at,
    _load_id
from {{ source('funpot', 'users') }}
