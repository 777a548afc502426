{{ config(materialized='table' if target.type == 'duckdb' else 'keys') }}

{%- set board = ['system', 'board', 'period'] %}
{%- set key = board + ['entity_id'] %}

with last_days as (select * from {{ ref('int_leaderboard_last_days') }}),

moved as (

    select daily.* from {{ ref('leaderboard_scores_daily') }} as daily
    inner join last_days on daily.system = last_days.system and daily.day = last_days.day

),

entities as (

    select
        entities.*,
        last_days.day,
        (entities.entered_at at time zone 'UTC')::date < last_days.day as was_there
    from {{ ref('leaderboard_entities') }} as entities
    inner join last_days on entities.system = last_days.system

),

-- Boards on which nothing happened stand as they stood.
boards_moved as (

    select
        system,
        board,
        period
    from moved
    union
    select
        system,
        board,
        period
    from entities
    where not was_there

),

scores as (

    select scores.* from {{ ref('leaderboard_scores') }} as scores
    inner join boards_moved on {{ same_key(board, 'boards_moved', 'scores') }}

),

before as (

    select
        coalesce(scores.system, entities.system) as system,
        coalesce(scores.board, entities.board) as board,
        coalesce(scores.period, entities.period) as period,
        coalesce(scores.entity_id, entities.entity_id) as entity_id,
        coalesce(scores.points, 0) - coalesce(moved.points, 0)
        + case when entities.was_there then entities.points else 0 end as points,
        coalesce(scores.weight, 0) - coalesce(moved.weight, 0)
        + case when entities.was_there then coalesce(entities.weight, 0) else 0 end as weight,
        coalesce(scores.weight, entities.weight) is not null as has_weight,
        coalesce(scores.tiebreak, 0) - coalesce(moved.tiebreak, 0) as tiebreak,
        case when entities.was_there then entities.entered_at end as entered_at
    from scores
    full outer join entities on {{ same_key(key, 'scores', 'entities') }}
    left join moved on {{ same_key(key, 'moved', 'scores') }}
    where
        coalesce(scores.days, 0) > case when moved.entity_id is null then 0 else 1 end
        or coalesce(entities.was_there, false)

),

scored as (

    select
        before.system,
        before.board,
        before.period,
        before.entity_id,
        {{ board_score('before.points', 'case when before.has_weight then before.weight end') }} as score,
        before.tiebreak,
        {{ board_tie_keys('boards.tie_rule', 'before.entered_at', 'before.entity_id') }},
        boards.tie_rule
    from before
    inner join boards_moved on {{ same_key(board, 'boards_moved', 'before') }}
    inner join {{ ref('int_leaderboard_registry') }} as boards
        on before.system = boards.system and before.board = boards.board
    where boards.minimum_weight = 0 or before.weight >= boards.minimum_weight

)

select
    system,
    board,
    period,
    {{ board_rank('system, board, period') }} as rank,
    entity_id,
    score
from scored
