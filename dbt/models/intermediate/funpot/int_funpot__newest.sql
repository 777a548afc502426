{{ config(materialized='table' if target.type == 'duckdb' else 'keys') }}

-- Every vote and every posting also changes one of these small tables, so the large ones need not be read for it.
with instants as (
    select greatest(opened_at, updated_at) as changed_at
    from {{ ref('stg_funpot__events') }}
    union all
    select updated_at as changed_at
    from {{ ref('stg_funpot__wallet_accounts') }}
    union all
    select updated_at as changed_at
    from {{ ref('stg_funpot__payments') }}
)

select max(changed_at) as newest_at
from instants
