{%- set others = ['funpot', 'hermes', 'advert_market'] %}
{{ config(meta={'scope': {'columns': ['system', 'entity_id'], 'keys': 'touched_entities', 'but_whole': others}}) }}

select
    points.system,
    points.board,
    points.period,
    points.entity_id,
    {{ decimal('sum(points.points)') }} as points,
    {{ whole('sum(points.weight)') }} as weight,
    min(points.happened_at) as entered_at
from {{ ref('int_leaderboard_points') }} as points
where
    points.cause_kind = 'entity'
    and (
        points.system in ('{{ others | join("', '") }}')
        or {{ in_scope(['system', 'entity_id'], 'touched_entities', 'points') }}
    )
group by 1, 2, 3, 4
