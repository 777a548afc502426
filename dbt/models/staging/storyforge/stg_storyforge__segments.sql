select
    id::text as segment_id,
    scene_id::text as scene_id,
    user_id::text as contributor_id,
    job_id::text as job_id,
    sequence,
    duration as duration_seconds,
    status,
    created_at as added_at,
    _load_id
from {{ source('storyforge', 'segments') }}
