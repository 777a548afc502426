select
    'advert_market'::text as system,
    day,
    section,
    line,
    unit,
    closing
from {{ ref('int_advert_market__balance_sheet') }}
where {{ is_open("'advert_market'") }}
