{{ config(
    meta={'scope': {
        'columns': ['system', 'contest_id'], 'keys': 'touched_contests'
    }}
) }}
-- depends_on: {{ ref('touched_contests') if target.type != 'duckdb' }}

{{ union_open_systems(
    'settlements',
    [
        'contest_id', 'title', 'unit', 'rule', 'outcome', 'stakes', 'fee', 'distributable',
        'payouts_expected', 'payouts_recorded', 'refunds', 'breakage', 'difference', 'status', 'settled_at',
    ],
    ['funpot', 'hermes', 'advert_market'],
) }}
