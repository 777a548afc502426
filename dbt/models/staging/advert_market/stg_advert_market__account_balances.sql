select
    account_id::text as account_id,
    {{ whole('balance_nano') }} as balance,
    'nanoTON' as unit,
    last_entry_id::text as last_entry_id,
    updated_at as recorded_at,
    _load_id
from {{ source('advert_market', 'account_balances') }}
