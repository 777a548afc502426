{{ config(meta={'scope': 'candidates', 'present': 'candidates.days > 0'}) }}

with daily as (select * from {{ changes('leaderboard_scores_daily') }}),

scored as (

    select
        system,
        board,
        period,
        entity_id,
        points,
        weight,
        tiebreak,
        times
    from daily
    union all
    select
        system,
        board,
        'day:' || day::text as period,
        entity_id,
        points,
        weight,
        tiebreak,
        times
    from daily
    where period = 'lifetime'

),

changed as (

    select
        system,
        board,
        period,
        entity_id,
        sum(points * times) as points,
        sum(weight * times) as weight,
        sum(tiebreak * times) as tiebreak,
        sum(times)::bigint as days
    from scored
    group by 1, 2, 3, 4

)

{{ added_up('changed', ['system', 'board', 'period', 'entity_id'], ['points', 'weight', 'tiebreak', 'days']) }}
