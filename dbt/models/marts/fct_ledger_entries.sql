{{ config(indexes=[
    {'columns': ['system', 'account_id', 'unit', 'posted_at']},
    {'columns': ['system', 'tx_ref']},
    {'columns': ['system', 'contest_id']},
    {'columns': ['system', 'posted_at']},
], meta={'scope': {'columns': ['system', 'tx_ref'], 'keys': 'touched_postings'}}) }}
-- depends_on: {{ ref('touched_postings') if target.type != 'duckdb' }}

with entries as (

    {{ union_open_systems(
        'ledger_entries',
        [
            'entry_id', 'tx_ref', 'account_id', 'account_kind', 'unit', 'amount', 'reason', 'contest_id',
            'reference', 'idempotency_key', 'posted_at', '_load_id',
        ],
        ['funpot', 'advert_market', 'synapse'],
    ) }}

),

loads as (

    select * from {{ source('ingest', 'loads') }}

)

select
    entries.system,
    entries.entry_id,
    entries.tx_ref,
    entries.account_id,
    entries.account_kind,
    entries.unit,
    entries.amount,
    entries.reason,
    entries.contest_id,
    entries.reference,
    entries.idempotency_key,
    entries.posted_at,
    loads.delivered_on
from entries
inner join loads on entries._load_id = loads.load_id
