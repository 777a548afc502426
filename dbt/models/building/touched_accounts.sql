with listed as (

    select
        system,
        account_id,
        unit
    from {{ changes('balances_daily', of_whole_systems=false) }} as daily
    union all
    {{ union_touched('accounts', ['account_id', 'unit'], ['funpot', 'advert_market', 'synapse']) }}
    union all
    -- The first balances of a source, or its first posting, let every account be compared.
    select
        balances.system,
        balances.account_id,
        balances.unit
    from {{ published('account_balances') }} as balances
    inner join {{ ref('int_balances__comparable') }} as comparable
        on balances.system = comparable.system and balances.unit = coalesce(comparable.unit, balances.unit)
    where balances.drift is null

)

-- Each once: the rows of each are looked up.
select distinct
    system,
    account_id,
    unit
from listed
