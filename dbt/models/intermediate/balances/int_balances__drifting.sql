{{ config(materialized='table' if target.type == 'duckdb' else 'keys') }}

-- A dozen models ask for these few accounts, and plan by how many there are.
select
    system,
    account_id,
    unit,
    recorded,
    ledger,
    drift,
    is_projected,
    projected_on,
    projected_until,
    last_entry_id
from {{ ref('account_balances') }}
where drift <> 0
