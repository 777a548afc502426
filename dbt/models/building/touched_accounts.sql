select
    system,
    account_id,
    unit
from {{ changes('balances_daily', of_whole_systems=false) }} as daily
union
{{ union_touched('accounts', ['account_id', 'unit'], ['funpot', 'advert_market', 'synapse']) }}
