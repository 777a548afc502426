{%- set others = ['funpot', 'synapse'] %}
{{ config(meta={'scope': {'columns': ['system', 'day'], 'keys': 'touched_trust_days', 'but_whole': others}}) }}

with postings as (

    select
        judged.*,
        judged.is_cleared and judged.is_explained and judged.is_on_time as is_trusted
    from {{ ref('int_balances__postings_judged') }} as judged
    where judged.system in ('funpot', 'synapse') or {{ in_scope(['system', 'day'], 'touched_trust_days', 'judged') }}

),

days as (

    select
        system,
        unit,
        day,
        count(*) as postings,
        sum(moved) as moved,
        coalesce(sum(moved) filter (where is_cleared), 0) as cleared,
        coalesce(sum(moved) filter (where is_explained), 0) as explained,
        coalesce(sum(moved) filter (where is_on_time), 0) as on_time,
        coalesce(sum(moved) filter (where is_trusted), 0) as trusted
    from postings
    group by 1, 2, 3

)

select
    system,
    unit,
    day,
    postings,
    moved,
    cleared,
    explained,
    on_time,
    trusted,
    {{ ratio('cleared', 'moved', 6) }} as cleared_share,
    {{ ratio('explained', 'moved', 6) }} as explained_share,
    {{ ratio('on_time', 'moved', 6) }} as on_time_share,
    {{ ratio('trusted', 'moved', 6) }} as trusted_share
from days
