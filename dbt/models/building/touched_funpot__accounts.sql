select
    account_id,
    unit
from {{ ref('int_funpot__recorded_balances') }}
where {{ newly_loaded('funpot') }}
