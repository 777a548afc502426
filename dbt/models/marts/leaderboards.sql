{{ config(
    indexes=[{'columns': ['system', 'board', 'period', 'rank']}],
    meta={'scope': {'columns': ['system', 'board', 'period'], 'keys': 'touched_boards'}}
) }}

with entries as (select * from {{ ref('int_leaderboard_entries') }}),

ranked as (

    select
        *,
        rank() over (partition by system, board, period order by score desc) as competition_rank,
        dense_rank() over (partition by system, board, period order by score desc) as dense_rank,
        row_number() over (
            partition by system, board, period
            order by
                score desc, tiebreak desc, earlier_first asc nulls last, smaller_first asc nulls last, entity_id asc
        ) as ordinal_rank
    from entries

)

select
    system,
    board,
    period,
    case tie_rule when 'competition' then competition_rank when 'dense' then dense_rank else ordinal_rank end as rank,
    entity_id,
    score,
    tie_rule
from ranked
