select
    id as user_id,
    xp,
    created_at,
    updated_at,
    _load_id,
    coalesce(level, 1) as current_level,
    coalesce(gold, 0) as gold
from {{ source('synapse', 'users') }}
