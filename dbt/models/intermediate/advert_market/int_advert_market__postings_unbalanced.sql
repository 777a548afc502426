with accounts as (

    select * from {{ ref('int_balances__drifting') }}
    where system = 'advert_market'

),

legs as (

    select * from {{ ref('fct_ledger_entries') }}
    -- Without an account that drifts there is nothing to look for, and no pass over the ledger.
    where system = 'advert_market' and exists (select 1 from accounts)

)

select
    tx_ref,
    -sum(amount) as lacking,
    min(posted_at) as posted_at
from legs
group by 1
having sum(amount) <> 0
