-- The first entry of the journal lets every recorded balance be held against it.
with known as (

    select mart.system from {{ published('account_balances') }} as mart
    where mart.system = 'synapse'

)

select
    account_id,
    unit
from {{ ref('int_synapse__recorded_balances') }}
where
    {{ newly_loaded('synapse') }}
    or not exists (select 1 from known)
