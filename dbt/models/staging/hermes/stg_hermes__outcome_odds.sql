select
    id::text as price_id,
    odds_version_id::text as odds_version_id,
    outcome_id::text as outcome_id,
    decimal_odds,
    _load_id
from {{ source('hermes', 'outcome_odds') }}
