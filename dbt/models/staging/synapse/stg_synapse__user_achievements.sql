select
    user_id::text as user_id,
    achievement_id::text as achievement_id,
    earned_at,
    _load_id
from {{ source('synapse', 'user_achievements') }}
