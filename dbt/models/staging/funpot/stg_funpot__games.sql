select
    id::text as game_id,
    streamer_id::text as streamer_id,
    title,
    rules_json,
    status,
    _load_id
from {{ source('funpot', 'games') }}
