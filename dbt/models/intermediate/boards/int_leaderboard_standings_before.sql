{{ config(materialized='table' if target.type == 'duckdb' else 'keys') }}

{%- set board = ['system', 'board', 'period'] %}
{%- set keys = (board + ['entity_id']) | join(', ') %}

with boards_moved as (select * from {{ ref('int_leaderboard_boards_moved') }}),

scores as (

    select scores.* from {{ ref('leaderboard_scores') }} as scores
    inner join boards_moved on {{ same_key(board, 'scores', 'boards_moved') }}

),

moved as (

    select * from {{ looked_up('leaderboard_scores_daily', 'int_leaderboard_boards_moved', board + ['day']) }} as daily

),

entrants as (

    select entities.* from {{ ref('leaderboard_entities') }} as entities
    inner join boards_moved on {{ same_key(board, 'entities', 'boards_moved') }}
    where entities.entered_at < boards_moved.day::timestamp at time zone 'UTC'

),

-- Added up, not joined: nobody can tell how many rows a board has, and joins row by row took minutes for 50,000.
parts as (

    select {{ keys }}, points, weight, tiebreak, days, null::timestamptz as entered_at from scores
    union all
    select {{ keys }}, -points as points, -weight as weight, -tiebreak as tiebreak, -1 as days, null as entered_at
    from moved
    union all
    select {{ keys }}, points, weight, null as tiebreak, null as days, entered_at from entrants

),

before as (

    select
        {{ keys }},
        sum(points) as points,
        sum(weight) as weight,
        coalesce(sum(tiebreak), 0) as tiebreak,
        min(entered_at) as entered_at
    from parts
    group by {{ keys }}
    having sum(days) > 0 or min(entered_at) is not null

),

scored as (

    select
        before.system,
        before.board,
        before.period,
        before.entity_id,
        {{ board_score('before.points', 'before.weight') }} as score,
        before.tiebreak,
        {{ board_tie_keys('boards.tie_rule', 'before.entered_at', 'before.entity_id') }},
        boards.tie_rule
    from before
    inner join {{ ref('int_leaderboard_registry') }} as boards
        on before.system = boards.system and before.board = boards.board
    where {{ board_ranks('before.weight', 'boards.minimum_weight') }}

)

select
    system,
    board,
    period,
    {{ board_rank('system, board, period') }} as rank,
    entity_id,
    score
from scored
