select
    id as season_id,
    guild_id,
    starts_at,
    ends_at,
    active as is_active,
    _load_id
from {{ source('synapse', 'seasons') }}
