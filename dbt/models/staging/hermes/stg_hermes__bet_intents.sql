select
    id::text as intent_id,
    user_id::text as user_id,
    session_id::text as session_id,
    market_id::text as market_id,
    outcome_id::text as outcome_id,
    accepted_odds_version_id::text as odds_version_id,
    idempotency_key,
    accepted as is_accepted,
    acceptance_code,
    client_sent_at,
    server_received_at,
    _load_id
from {{ source('hermes', 'bet_intents') }}
