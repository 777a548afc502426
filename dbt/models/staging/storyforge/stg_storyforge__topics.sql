select
    id::text as topic_id,
    scene_count,
    created_at,
    _load_id
from {{ source('storyforge', 'topics') }}
