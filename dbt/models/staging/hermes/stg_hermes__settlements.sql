select
    id::text as settlement_id,
    market_id::text as market_id,
    winning_outcome_id::text as winning_outcome_id,
    settled_at,
    _load_id
from {{ source('hermes', 'settlements') }}
