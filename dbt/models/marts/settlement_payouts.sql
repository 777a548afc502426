{{ config(
    indexes=[{'columns': ['system', 'contest_id']}, {'columns': ['system', 'voter_id']}],
    meta={'scope': {
        'columns': ['system', 'contest_id'], 'keys': 'touched_contests'
    }}
) }}
-- depends_on: {{ ref('touched_contests') if target.type != 'duckdb' }}

{{ union_open_systems(
    'settlement_payouts',
    [
        'contest_id', 'vote_id', 'voter_id', 'standing', 'unit', 'stake', 'expected_payout', 'recorded_payout',
        'difference',
    ],
    ['funpot', 'hermes', 'advert_market'],
) }}
