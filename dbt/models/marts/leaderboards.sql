{{ config(indexes=[{'columns': ['system', 'board', 'period', 'rank']}]) }}

{{ union_open_systems(
    'leaderboards',
    ['board', 'period', 'rank', 'entity_id', 'score', 'tie_rule'],
    ['funpot', 'hermes', 'advert_market', 'synapse', 'storyforge'],
) }}
