select
    id::text as job_id,
    scene_id::text as scene_id,
    user_id::text as user_id,
    type as job_type,
    status,
    stage,
    error_code,
    retry_count,
    max_retries,
    created_at as queued_at,
    started_at,
    completed_at as ended_at,
    _load_id
from {{ source('storyforge', 'jobs') }}
