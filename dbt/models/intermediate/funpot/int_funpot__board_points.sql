-- Of streamers come only entrances, which every build lists anew.
{{ config(meta={'follows': ['events', 'streamers']}) }}

select
    board,
    period,
    entity_id,
    points,
    weight,
    tiebreak,
    happened_at,
    cause_kind,
    cause_id
from {{ ref('int_funpot__voter_points') }}
union all
select
    board,
    period,
    entity_id,
    points,
    weight,
    tiebreak,
    happened_at,
    cause_kind,
    cause_id
from {{ ref('int_funpot__streamer_points') }}
union all
select
    board,
    period,
    entity_id,
    points,
    weight,
    tiebreak,
    happened_at,
    cause_kind,
    cause_id
from {{ ref('int_funpot__option_points') }}
