select
    id::text as market_id,
    event_id::text as clip_id,
    question_key,
    status,
    settlement_rule_key,
    lock_at,
    _load_id
from {{ source('hermes', 'markets') }}
