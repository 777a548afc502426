select
    id::text as idea_id,
    user_id::text as author_id,
    topic_id::text as topic_id,
    category_id::text as category_id,
    status,
    scene_count,
    like_count,
    view_count,
    created_at as posted_at,
    _load_id
from {{ source('storyforge', 'ideas') }}
