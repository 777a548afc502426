select
    'advert_market'::text as system,
    day,
    account_kind,
    unit,
    debits,
    credits,
    closing
from {{ ref('int_advert_market__trial_balance') }}
where {{ is_open("'advert_market'") }}
