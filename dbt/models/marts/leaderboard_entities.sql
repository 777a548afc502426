select
    system,
    board,
    period,
    entity_id,
    {{ decimal('sum(points)') }} as points,
    {{ whole('sum(weight)') }} as weight,
    min(happened_at) as entered_at
from {{ ref('int_leaderboard_points') }}
where cause_kind = 'entity'
group by 1, 2, 3, 4
