select
    id::text as flag_id,
    target_type,
    target_id::text as target_id,
    reporter_id::text as reporter_id,
    reason,
    created_at as raised_at,
    _load_id
from {{ source('storyforge', 'moderation_flags') }}
