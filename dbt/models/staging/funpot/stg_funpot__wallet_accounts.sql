select
    user_id::text as user_id,
    {{ whole('balance_int') }} as balance,
    updated_at,
    _load_id
from {{ source('funpot', 'wallet_accounts') }}
