{{ union_open_systems(
    'odds',
    ['contest_id', 'option_id', 'option_label', 'version_no', 'odds', 'effective_at', 'lock_at', 'is_current'],
    ['hermes'],
) }}
