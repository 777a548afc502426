select
    user_id,
    season_id,
    season_stars,
    _load_id
from {{ source('synapse', 'user_stats') }}
