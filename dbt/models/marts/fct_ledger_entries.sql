{{ config(indexes=[
    {'columns': ['system', 'account_id', 'unit', 'posted_at']},
    {'columns': ['system', 'tx_ref']},
    {'columns': ['system', 'contest_id']},
]) }}

{{ union_open_systems(
    'ledger_entries',
    ['entry_id', 'tx_ref', 'account_id', 'account_kind', 'unit', 'amount', 'reason', 'contest_id', 'posted_at'],
    ['funpot', 'advert_market', 'synapse'],
) }}
