{{ config(
    indexes=[{'columns': ['system', 'contest_id']}, {'columns': ['system', 'voter_id']}],
    meta={'scope': {'columns': ['system', 'contest_id'], 'keys': 'touched_contests'}}
) }}
-- depends_on: {{ ref('touched_contests') if target.type != 'duckdb' }}

{{ union_open_systems(
    'votes',
    [
        'vote_id', 'contest_id', 'voter_id', 'option_id', 'option_label', 'stake', 'unit', 'odds',
        'accepted', 'is_winner', 'payout', 'cast_at', 'session_id', 'verdict', 'acceptance_code', 'is_replay', 'is_late',
        'sent_at',
    ],
    ['funpot', 'hermes'],
) }}
