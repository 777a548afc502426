select
    id::text as scene_id,
    idea_id::text as idea_id,
    user_id::text as creator_id,
    topic_id::text as topic_id,
    status,
    segment_count,
    total_duration as total_seconds,
    contributor_count,
    view_count,
    like_count,
    bible_version,
    created_at as opened_at,
    _load_id
from {{ source('storyforge', 'scenes') }}
