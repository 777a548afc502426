-- Why an account drifts may be told by records of other accounts: the drifting are asked each time.
select
    system,
    account_id,
    unit
from {{ changes('account_balances', of_whole_systems=false) }} as balances
union
select
    system,
    account_id,
    unit
from {{ ref('int_balances__drifting') }}
union
select
    system,
    account_id,
    unit
from {{ published('balance_reconciliation') }}
where status = 'differs'
