{{ config(schema='building', materialized='table') }}

select distinct
    system,
    coalesce(category_id, '0') as category_id,
    (occurred_at at time zone 'UTC')::date as day
from {{ changes('fct_events') }} as events
where system = 'synapse'
