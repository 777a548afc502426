{{ config(indexes=[{'columns': ['system', 'contest_id']}]) }}

{{ union_open_systems(
    'settlement_payouts',
    [
        'contest_id', 'vote_id', 'voter_id', 'standing', 'unit', 'stake', 'expected_payout', 'recorded_payout',
        'difference',
    ],
    ['funpot', 'hermes', 'advert_market'],
) }}
