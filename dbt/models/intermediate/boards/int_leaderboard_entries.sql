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
    -- Ten places for every share and mean: 1/3 and 2/6 tie, and shares of fewer than 100,000 never do by rounding.
    case
        when entered.weight is null then entered.points
        else {{ decimal(ratio('entered.points * 10000000000', 'entered.weight', 0)) }} * 0.0000000001
    end as score,
    entered.tiebreak,
    case boards.tie_rule when 'ordinal by earliest' then entered.entered_at end as earlier_first,
    case
        when boards.tie_rule = 'ordinal by entity id' and {{ matches('entered.entity_id', '^[0-9]{1,30}$') }}
            then {{ whole('entered.entity_id') }}
    end as smaller_first,
    boards.tie_rule
from entered
inner join boards on entered.system = boards.system and entered.board = boards.board
where boards.minimum_weight = 0 or entered.weight >= boards.minimum_weight
