{{ config(materialized='table' if target.type == 'duckdb' else 'keys') }}

select
    greatest(
        {{ newest('fct_ledger_entries', 'posted_at', "'advert_market'") }},
        {{ newest('fct_events', 'occurred_at', "'advert_market'") }}
    ) as newest_at
