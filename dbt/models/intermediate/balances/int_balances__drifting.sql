{{ config(materialized='table') }}

-- A table, because a dozen models ask for these few accounts and finding them takes a pass over the ledger.
select * from {{ ref('int_balances__compared') }}
where drift <> 0
