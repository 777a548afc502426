select 'treasury' as matched_within
union
select contest_id as matched_within
from {{ changes('fct_ledger_entries', of_whole_systems=false) }} as entries
where system = 'advert_market' and contest_id is not null
union
select deal_id as matched_within
from {{ ref('stg_advert_market__deals') }}
where {{ newly_loaded('advert_market') }}
union
select deal_id as matched_within
from {{ ref('stg_advert_market__deal_events') }}
where {{ newly_loaded('advert_market') }}
union
select deal_id as matched_within
from {{ ref('stg_advert_market__ton_transactions') }}
where deal_id is not null and {{ newly_loaded('advert_market') }}
union
-- A transaction that is now of another deal leaves the one it was matched in.
select matches.matched_within
from {{ published('advert_market_chain_matches') }} as matches
inner join {{ ref('stg_advert_market__ton_transactions') }} as transactions on matches.tx_hash = transactions.tx_hash
where {{ newly_loaded('advert_market', 'transactions._load_id') }}
