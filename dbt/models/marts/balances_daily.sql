{{ config(materialized='table', indexes=[{'columns': ['system', 'account_id', 'unit', 'day']}]) }}

with entries as (

    select * from {{ ref('fct_ledger_entries') }}

),

movements as (

    select
        system,
        account_id,
        unit,
        (posted_at at time zone 'UTC')::date as day,
        coalesce(sum(amount) filter (where amount > 0), 0) as credits,
        coalesce(-sum(amount) filter (where amount < 0), 0) as debits
    from entries
    group by 1, 2, 3, 4

),

balances as (

    select
        *,
        sum(credits - debits) over (partition by system, account_id, unit order by day) as closing
    from movements

)

select
    system,
    account_id,
    unit,
    day,
    closing - credits + debits as opening,
    credits,
    debits,
    closing
from balances
