select
    id::text as view_id,
    scene_id::text as scene_id,
    user_id::text as viewer_id,
    created_at as viewed_at,
    _load_id
from {{ source('storyforge', 'scene_views') }}
