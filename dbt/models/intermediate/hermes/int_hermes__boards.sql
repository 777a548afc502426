select
    boards.board,
    boards.title,
    boards.unit,
    boards.tie_rule,
    boards.minimum_weight,
    boards.first_tiebreak
from (
    values
    ('predictor_profit', 'Profit of predictors', 'unit', 'competition', 0, null::text),
    ('predictor_hit_rate', 'Hit rate of predictors', 'share', 'competition', {{ var('h001_minimum_picks') }}, null),
    (
        'predictor_closing_line_value', 'Closing line value of predictors', 'share', 'competition',
        {{ var('h001_minimum_picks') }}, null
    )
) as boards (board, title, unit, tie_rule, minimum_weight, first_tiebreak)
