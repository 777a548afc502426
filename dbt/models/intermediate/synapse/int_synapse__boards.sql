-- As the owner's API ranks: nobody shares a place, the member who came to Discord first stands higher.
select
    board,
    title,
    unit,
    'ordinal by entity id' as tie_rule,
    0 as minimum_weight
from (
    values
    ('xp', 'Most XP', 'XP'),
    ('level', 'Highest level', 'level'),
    ('gold', 'Most gold not yet spent', 'gold'),
    ('season_stars', 'Most stars', 'stars'),
    ('messages', 'Most messages captured', 'messages'),
    ('voice_minutes', 'Most minutes of rewarded voice ticks', 'minutes')
) as boards (board, title, unit)
