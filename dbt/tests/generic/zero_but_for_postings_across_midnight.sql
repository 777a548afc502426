{# Fails with every day at whose end the balances in `amount` do not add up to zero, unless just that is what postings
   of the ad market whose legs stand on both sides of the midnight had moved by then. #}
{% test zero_but_for_postings_across_midnight(model, amount) %}

with imbalanced as (

    select
        day,
        sum({{ amount }}) as imbalance
    from {{ model }}
    group by 1
    having sum({{ amount }}) <> 0

),

entries as (

    select * from {{ ref('fct_ledger_entries') }}
    where system = 'advert_market'

),

halves as (

    select
        imbalanced.day,
        entries.tx_ref,
        sum(entries.amount) as moved
    from imbalanced
    inner join entries on (entries.posted_at at time zone 'UTC')::date = imbalanced.day
    group by 1, 2
    having sum(entries.amount) <> 0

),

spanning as (

    select
        day,
        sum(moved) as moved
    from halves
    where (select sum(entries.amount) from entries where entries.tx_ref = halves.tx_ref) = 0
    group by 1

)

select
    imbalanced.day,
    imbalanced.imbalance,
    spanning.moved
from imbalanced
left join spanning on imbalanced.day = spanning.day
where imbalanced.imbalance <> coalesce(spanning.moved, 0)

{% endtest %}
