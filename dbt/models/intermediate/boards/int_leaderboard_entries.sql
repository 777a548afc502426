{%- set key = ['system', 'board', 'period', 'entity_id'] %}

with scores as (

    select scores.* from {{ ref('leaderboard_scores') }} as scores
    where {{ in_scope(['system', 'board', 'period'], 'touched_boards', 'scores') }}

),

entities as (

    select entities.* from {{ ref('leaderboard_entities') }} as entities
    where {{ in_scope(['system', 'board', 'period'], 'touched_boards', 'entities') }}

),

boards as (select * from {{ ref('int_leaderboard_registry') }}),

entered as (

    select
        coalesce(scores.system, entities.system) as system,
        coalesce(scores.board, entities.board) as board,
        coalesce(scores.period, entities.period) as period,
        coalesce(scores.entity_id, entities.entity_id) as entity_id,
        coalesce(scores.points, 0) + coalesce(entities.points, 0) as points,
        coalesce(scores.weight + coalesce(entities.weight, 0), entities.weight) as weight,
        coalesce(scores.tiebreak, 0) as tiebreak,
        entities.entered_at
    from scores
    full outer join entities on {{ same_key(key, 'scores', 'entities') }}

)

select
    entered.system,
    entered.board,
    entered.period,
    entered.entity_id,
    {{ board_score('entered.points', 'entered.weight') }} as score,
    entered.tiebreak,
    {{ board_tie_keys('boards.tie_rule', 'entered.entered_at', 'entered.entity_id') }},
    boards.tie_rule
from entered
inner join boards on entered.system = boards.system and entered.board = boards.board
where {{ board_ranks('entered.weight', 'boards.minimum_weight') }}
