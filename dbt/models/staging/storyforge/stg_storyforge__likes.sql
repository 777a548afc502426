select
    id::text as like_id,
    user_id::text as user_id,
    target_type,
    target_id::text as target_id,
    created_at as liked_at,
    _load_id
from {{ source('storyforge', 'likes') }}
