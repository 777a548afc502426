{{ config(materialized='table' if target.type == 'duckdb' else 'keys') }}

-- A dozen models ask for these few accounts, and plan by how many there are.
select * from {{ ref('account_balances') }}
where drift <> 0
