{{ config(meta={'scope': 'candidates', 'present': 'candidates.postings > 0'}) }}

with changed as (

    select
        system,
        (posted_at at time zone 'UTC')::date as day,
        account_kind,
        unit,
        coalesce(sum(-amount * times) filter (where amount < 0), 0) as debits,
        coalesce(sum(amount * times) filter (where amount > 0), 0) as credits,
        sum(times)::bigint as postings
    from {{ changes('fct_ledger_entries') }} as entries
    where system = 'advert_market' and {{ is_open('system') }}
    group by 1, 2, 3, 4

)

{{ added_up('changed', ['system', 'day', 'account_kind', 'unit'], ['debits', 'credits', 'postings']) }}
