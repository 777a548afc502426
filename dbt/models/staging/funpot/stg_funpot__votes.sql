select
    id::text as vote_id,
    event_id::text as contest_id,
    user_id::text as voter_id,
    option_id,
    {{ whole('cost_int') }} as stake,
    idempotency_key,
    created_at as cast_at,
    _load_id
from {{ source('funpot', 'votes') }}
