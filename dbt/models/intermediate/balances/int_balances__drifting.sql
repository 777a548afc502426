{{ config(materialized='table') }}

-- A table, because a dozen models ask for these few accounts and finding them takes a pass over the ledger.
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
    last_entry_id,
    first_posted_at,
    last_posted_at
from {{ ref('int_balances__compared') }}
where drift <> 0
