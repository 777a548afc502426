select
    account_id::text as account_id,
    {{ whole('balance_nano') }} as balance,
    'nanoTON' as unit,
    updated_at as recorded_at
from {{ source('advert_market', 'account_balances_versions') }}
