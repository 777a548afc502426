with entries as (

    select
        system,
        tx_ref,
        posted_at,
        (posted_at at time zone 'UTC')::date as day
    from {{ ref('fct_ledger_entries') }}
    where system = 'advert_market' and not {{ is_full('advert_market') }} -- in a whole build nobody asks

)

select distinct
    system,
    tx_ref
from entries
where
    {{ in_days('posted_at', 'touched_trust_days') }}
    and {{ in_scope(['system', 'day'], 'touched_trust_days', 'entries') }}
