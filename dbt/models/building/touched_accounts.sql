with listed as (

    select
        system,
        account_id,
        unit
    from {{ changes('balances_daily', of_whole_systems=false) }} as daily
    union all
    {{ union_touched('accounts', ['account_id', 'unit'], ['funpot', 'advert_market', 'synapse']) }}

)

-- Each once: the rows of each are looked up.
select distinct
    system,
    account_id,
    unit
from listed
