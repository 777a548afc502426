{{ union_open_systems(
    'counter_reconciliation',
    ['subject', 'counter', 'recorded', 'recounted', 'basis', 'drift', 'cause'],
    ['funpot', 'hermes', 'synapse', 'storyforge'],
) }}
