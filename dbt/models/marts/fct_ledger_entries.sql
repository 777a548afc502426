{{ config(indexes=[
    {'columns': ['system', 'account_id', 'unit', 'posted_at']},
    {'columns': ['system', 'tx_ref']},
    {'columns': ['system', 'contest_id']},
    {'columns': ['system', 'posted_at']},
], meta={'scope': {'columns': ['system', 'tx_ref'], 'keys': 'touched_postings', 'but_whole': ['funpot']}}) }}
-- depends_on: {{ ref('touched_postings') }}

{{ union_open_systems(
    'ledger_entries',
    ['entry_id', 'tx_ref', 'account_id', 'account_kind', 'unit', 'amount', 'reason', 'contest_id', 'posted_at'],
    ['funpot', 'advert_market', 'synapse'],
) }}
