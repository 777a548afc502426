select
    board,
    title,
    unit,
    tie_rule,
    {{ whole('minimum_weight') }} as minimum_weight
from (
    values
    ('voter_net', 'Highest net result', 'INT', 'ordinal by earliest', 0),
    ('voter_hit_rate', 'Most often right', 'hits per vote', 'competition', {{ var('f000_minimum_votes') }}),
    ('voter_roi', 'Highest return on what was staked', 'INT per INT', 'competition', {{ var('f000_minimum_stakes') }}),
    ('streamer_ggr', 'Most points left with the house', 'INT', 'competition', 0),
    ('streamer_votes', 'Most votes cast', 'votes', 'competition', 0),
    ('option_points', 'Most points staked', 'INT', 'competition', 0)
) as boards (board, title, unit, tie_rule, minimum_weight)
