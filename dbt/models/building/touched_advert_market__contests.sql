select contest_id
from {{ changes('fct_ledger_entries', of_whole_systems=false) }} as entries
where system = 'advert_market' and contest_id is not null
union
select deal_id as contest_id
from {{ ref('stg_advert_market__deals') }}
where {{ newly_loaded('advert_market') }}
union
select deal_id as contest_id
from {{ ref('stg_advert_market__deal_events') }}
where {{ newly_loaded('advert_market') }}
