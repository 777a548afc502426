{%- set causes_shown = 5 %}
{#- As a literal, so that an index on the instant serves: joined alone, the days would be looked for in all of history. #}
{%- set last_days = ref('int_leaderboard_last_days') %}
{%- if execute and target.type != 'duckdb' and model.resource_type != 'unit_test' %}
{%- set first = run_query('select min(day) from ' ~ last_days).columns[0].values()[0] %}
{%- endif %}

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
        {%- if first %} and points.happened_at >= timestamptz '{{ first }} 00:00:00+00'{% endif %}

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
