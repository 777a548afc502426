{{ config(meta={'scope': 'candidates', 'present': 'candidates.days > 0'}) }}

with changed as (

    select
        daily.system,
        daily.board,
        periods.period,
        daily.entity_id,
        sum(daily.points * daily.times) as points,
        sum(daily.weight * daily.times) as weight,
        sum(daily.tiebreak * daily.times) as tiebreak,
        sum(daily.times)::bigint as days
    from {{ changes('leaderboard_scores_daily') }} as daily
    -- What was scored on a day is that day's board too.
    cross join
        lateral (
            values (daily.period), (case when daily.period = 'lifetime' then 'day:' || daily.day::text end)
        ) as periods (period)
    where periods.period is not null
    group by 1, 2, 3, 4

),

summed as (

    {{ added_up('changed', ['system', 'board', 'period', 'entity_id'], ['points', 'weight', 'tiebreak', 'days']) }}

)

select
    system,
    board,
    period,
    entity_id,
    {{ without_end_zeros('points') }} as points,
    weight,
    tiebreak,
    days
from summed
