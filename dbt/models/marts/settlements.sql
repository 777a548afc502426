{{ union_open_systems(
    'settlements',
    [
        'contest_id', 'title', 'unit', 'rule', 'outcome', 'stakes', 'fee', 'distributable',
        'payouts_expected', 'payouts_recorded', 'refunds', 'breakage', 'difference', 'status', 'settled_at',
    ],
    ['funpot', 'hermes', 'advert_market'],
) }}
