select
    id::text as activity_id,
    user_id,
    event_type,
    season_id,
    xp_delta,
    star_delta,
    timestamp as rewarded_at,
    _load_id
from {{ source('synapse', 'activity_log') }}
