select
    id as user_id,
    xp,
    updated_at,
    _load_id,
    -- Nobody was a member before Discord opened.
    coalesce(created_at, updated_at, '2015-05-13 00:00:00+00'::timestamptz) as created_at,
    coalesce(level, 1) as current_level,
    coalesce(gold, 0) as gold
from {{ source('synapse', 'users') }}
