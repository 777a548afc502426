{{ config(meta={'scope': 'candidates', 'present': 'candidates.postings > 0'}) }}
{%- set account = ['system', 'account_id', 'unit'] %}

with changed as (
    select
        system,
        account_id,
        unit,
        (posted_at at time zone 'UTC')::date as day,
        sum(case when amount > 0 then amount * times else 0 end) as credits,
        sum(case when amount < 0 then -amount * times else 0 end) as debits,
        sum(times)::bigint as postings
    from {{ changes('fct_ledger_entries') }} as entries
    group by 1, 2, 3, 4
),

moved as (
    {{ added_up('changed', account + ['day'], ['credits', 'debits', 'postings']) }}
),

{% if adds_to_published() -%}
-- What stays as published before the first day that changed, and what follows upon it.
first_days as (
    select
        system,
        account_id,
        unit,
        min(day) as day
    from moved
    group by 1, 2, 3
),

carried as (
    select
        first_days.*,
        coalesce((
            select published.closing
            from {{ published_before() }} as published
            where {{ same_key(account, 'published', 'first_days') }} and published.day < first_days.day
            order by published.day desc
            limit 1
        ), 0) as closing
    from first_days
),

later as (
    select
        published.system,
        published.account_id,
        published.unit,
        published.day,
        published.credits,
        published.debits,
        published.postings
    from carried
    inner join {{ published_before() }} as published
        on {{ same_key(account, 'published', 'carried') }} and published.day > carried.day
    where not exists (
        select 1 from moved
        where {{ same_key(account + ['day'], 'moved', 'published') }}
    )
),

movements as (
    select
        movement.*,
        carried.closing as carried
    from (select * from moved union all select * from later) as movement
    inner join carried on {{ same_key(account, 'carried', 'movement') }}
),
{%- else -%}
    movements as (
        select
            *,
            0 as carried
        from moved

    ),
{%- endif %}

balances as (
    select
        *,
        carried + sum(credits - debits) over (partition by system, account_id, unit order by day) as closing
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
    closing,
    postings
from balances
