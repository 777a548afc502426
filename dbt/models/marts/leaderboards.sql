{{ config(
    post_hook="{{ create_board_as_of() }}",
    indexes=[{'columns': ['system', 'board', 'period', 'rank']}],
    meta={'scope': {'columns': ['system', 'board', 'period'], 'keys': 'touched_boards'}}
) }}

with entries as (select * from {{ ref('int_leaderboard_entries') }})

select
    system,
    board,
    period,
    {{ board_rank('system, board, period') }} as rank,
    entity_id,
    score,
    tie_rule
from entries
