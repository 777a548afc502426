with postings as (

    select tx_ref
    from {{ changes('fct_ledger_entries', of_whole_systems=false) }} as entries
    where system = 'advert_market'
    union
    select tx_ref
    from {{ changes('advert_market_chain_matches', of_whole_systems=false) }} as coins
    where tx_ref is not null

),

-- Money is touched when something comes to be broken or no longer is; that a break is a day older touches none.
names as (

    select named.name
    from {{ changes('reconciliation_breaks', of_whole_systems=false) }} as breaks
    cross join lateral {{ names_of_break('breaks') }} as named (name)
    where breaks.system = 'advert_market'
    group by 1
    having sum(breaks.times) <> 0

),

-- A question for each index of the entries.
moments as (

    select entries.posted_at from {{ ref('fct_ledger_entries') }} as entries
    where entries.system = 'advert_market' and entries.tx_ref in (select postings.tx_ref from postings)
    union all
    select entries.posted_at from {{ ref('fct_ledger_entries') }} as entries
    where entries.system = 'advert_market' and entries.tx_ref in (select names.name from names)
    union all
    select entries.posted_at from {{ ref('fct_ledger_entries') }} as entries
    where entries.system = 'advert_market' and entries.account_id in (select names.name from names)
    union all
    select entries.posted_at from {{ ref('fct_ledger_entries') }} as entries
    where entries.system = 'advert_market' and entries.contest_id in (select names.name from names)
    union all
    select posted_at
    from {{ changes('fct_ledger_entries', of_whole_systems=false) }} as changed
    where system = 'advert_market'

)

select distinct
    'advert_market' as system,
    (posted_at at time zone 'UTC')::date as day
from moments
