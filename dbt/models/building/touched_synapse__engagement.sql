select distinct
    system,
    coalesce(category_id, '0') as category_id,
    (occurred_at at time zone 'UTC')::date as day
from {{ changes('fct_events', of_whole_systems=false) }} as events
where system = 'synapse'
