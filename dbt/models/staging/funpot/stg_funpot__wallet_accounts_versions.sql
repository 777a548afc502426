select
    user_id::text as user_id,
    {{ whole('balance_int') }} as balance,
    coalesce(updated_at, seen_at) as recorded_at
from {{ source('funpot', 'wallet_accounts_versions') }}
