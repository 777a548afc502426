select
    id::text as outcome_id,
    market_id::text as market_id,
    outcome_code,
    _load_id
from {{ source('hermes', 'outcomes') }}
