select
    id::text as user_id,
    role,
    is_active,
    created_at as joined_at,
    _load_id
from {{ source('storyforge', 'users') }}
