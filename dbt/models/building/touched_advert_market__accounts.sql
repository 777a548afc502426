select
    account_id,
    unit
from {{ ref('int_advert_market__recorded_balances') }}
where {{ newly_loaded('advert_market') }}
