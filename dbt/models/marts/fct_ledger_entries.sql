{{ config(indexes=[{'columns': ['system', 'account_id', 'unit', 'posted_at']}, {'columns': ['system', 'tx_ref']}]) }}

{{ union_open_systems(
    'ledger_entries',
    ['entry_id', 'tx_ref', 'account_id', 'account_kind', 'unit', 'amount', 'reason', 'posted_at'],
    ['funpot', 'advert_market', 'synapse'],
) }}
