{{ config(
    indexes=[{'columns': ['system', 'day']}],
    meta={'scope': {'columns': ['system', 'day'], 'keys': 'touched_score_days'}}
) }}

with points as (

    select
        *,
        (happened_at at time zone 'UTC')::date as day
    from {{ ref('int_leaderboard_points') }}
    where cause_kind <> 'entity' and {{ in_days('happened_at', 'touched_score_days') }}

)

select
    system,
    board,
    period,
    entity_id,
    day,
    {{ decimal('sum(points)') }} as points,
    {{ whole('sum(weight)') }} as weight,
    {{ decimal('sum(tiebreak)') }} as tiebreak
from points
where {{ in_scope(['system', 'day'], 'touched_score_days', 'points') }}
group by 1, 2, 3, 4, 5
