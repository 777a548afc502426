select
    id::text as entry_id,
    user_id::text as user_id,
    type as direction,
    {{ whole('amount_int') }} as amount,
    case when currency = 'FPC' then 'INT' else coalesce(currency, 'INT') end as unit,
    reason,
    ref_id,
    idempotency_key,
    created_at as posted_at,
    _load_id
from {{ source('funpot', 'wallet_ledger') }}
