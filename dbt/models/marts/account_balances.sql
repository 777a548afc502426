{{ config(meta={'scope': {'columns': ['system', 'account_id', 'unit'], 'keys': 'touched_accounts'}}) }}
-- depends_on: {{ ref('touched_accounts') if target.type != 'duckdb' }}

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
from {{ ref('int_balances__compared') }}
where {{ is_open('system') }}
