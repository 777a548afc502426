{{ config(materialized='table' if target.type == 'duckdb' else 'keys') }}

{%- set causes_shown = 5 %}

with last_days as (select * from {{ ref('int_leaderboard_last_days') }}),

points as (

    select
        points.*,
        last_days.day
    from {{ ref('int_leaderboard_points') }} as points
    inner join last_days on points.system = last_days.system
    where
        points.happened_at >= last_days.day::timestamp at time zone 'UTC'
        and points.happened_at < (last_days.day + 1)::timestamp at time zone 'UTC'
        and points.cause_kind <> 'entity'
        and {{ since_last_days('points.happened_at') }}

),

causes as (

    select
        system,
        board,
        period,
        entity_id,
        cause_kind,
        cause_id,
        sum(points) as points
    from points
    group by 1, 2, 3, 4, 5, 6

),

numbered as (

    select
        *,
        row_number() over (
            partition by system, board, period, entity_id order by abs(points) desc, cause_kind asc, cause_id asc
        ) as place
    from causes

)

select
    system,
    board,
    period,
    entity_id,
    {{ json_array_of(json_object({'kind': 'cause_kind', 'id': 'cause_id', 'points': 'points'}), 'place') }} as causes
from numbered
where place <= {{ causes_shown }}
group by 1, 2, 3, 4
