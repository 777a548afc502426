{{ config(materialized='table' if target.type == 'duckdb' else 'keys') }}

with systems (system) as (

    values ('advert_market'), ('funpot'), ('hermes'), ('storyforge'), ('synapse')

)

select
    system,
    {{ newest('fct_events', 'occurred_at', 'systems.system') }} as newest_at
from systems
