{{ config(meta={'scope': 'candidates', 'present': 'candidates.days > 0'}) }}

with changed as (

    select
        system,
        board,
        period,
        entity_id,
        sum(points * times) as points,
        sum(weight * times) as weight,
        sum(tiebreak * times) as tiebreak,
        sum(times)::bigint as days
    from {{ changes('leaderboard_scores_daily') }} as daily
    group by 1, 2, 3, 4

),

scored as (

    {{ added_up('changed', ['system', 'board', 'period', 'entity_id'], ['points', 'weight', 'tiebreak', 'days']) }}

),

last_days as (

    select
        system,
        board,
        period,
        entity_id,
        max(last_scored_at) as last_scored_at
    from {{ ref('leaderboard_scores_daily') }}
    where (system, board, period, entity_id) in (select system, board, period, entity_id from changed)
    group by 1, 2, 3, 4

)

select
    scored.*,
    last_days.last_scored_at
from scored
left join last_days
    on {{ same_key(['system', 'board', 'period', 'entity_id'], 'last_days', 'scored') }}
