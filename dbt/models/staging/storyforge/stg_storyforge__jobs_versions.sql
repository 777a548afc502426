select
    id::text as job_id,
    status,
    stage,
    progress,
    error_code,
    retry_count,
    created_at as queued_at,
    started_at,
    completed_at as ended_at,
    -- A delivery that says no more than its day is dated to the day's beginning; what it tells of is no earlier.
    greatest(seen_at, created_at, started_at, completed_at) as seen_at,
    _line,
    _load_id
from {{ source('storyforge', 'jobs_versions') }}
