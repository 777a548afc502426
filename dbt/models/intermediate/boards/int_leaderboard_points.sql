{{ union_open_systems(
    'board_points',
    ['board', 'period', 'entity_id', 'points', 'weight', 'tiebreak', 'happened_at', 'cause_kind', 'cause_id'],
    ['funpot', 'hermes', 'advert_market', 'synapse', 'storyforge'],
) }}
