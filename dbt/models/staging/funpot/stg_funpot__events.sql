select
    id::text as contest_id,
    streamer_id::text as streamer_id,
    game_id::text as game_id,
    title,
    options_json,
    state,
    totals_json,
    result_json,
    closes_at,
    created_at as opened_at,
    updated_at,
    _load_id
from {{ source('funpot', 'events') }}
