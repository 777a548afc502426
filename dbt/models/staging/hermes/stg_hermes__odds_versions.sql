select
    id::text as odds_version_id,
    market_id::text as market_id,
    version_no,
    is_current,
    created_at,
    _load_id
from {{ source('hermes', 'odds_versions') }}
