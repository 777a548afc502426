{{ union_open_systems(
    'boards',
    ['board', 'title', 'unit', 'tie_rule', 'minimum_weight'],
    ['funpot', 'hermes', 'advert_market', 'synapse', 'storyforge'],
) }}
