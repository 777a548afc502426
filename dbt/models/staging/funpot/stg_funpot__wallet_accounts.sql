select
    user_id::text as user_id,
    balance_int::numeric as balance,
    updated_at,
    _load_id
from {{ source('funpot', 'wallet_accounts') }}
