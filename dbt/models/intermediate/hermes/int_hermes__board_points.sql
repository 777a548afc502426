-- Of users come only entrances, which every build lists anew.
{{ config(meta={'follows': ['users', 'events', 'markets', 'outcomes', 'settlements']}) }}

with users as (select * from {{ ref('stg_hermes__users') }}),

decided as (select * from {{ ref('int_hermes__decision_points') }}),

closing as (select * from {{ ref('int_hermes__closing_points') }}),

boards as (select * from {{ ref('int_hermes__boards') }}),

-- Everybody is on every board from the start; who has too few picks for a share is below the board's minimum.
entered as (
    select
        boards.board,
        users.user_id as entity_id,
        {{ decimal(0) }} as points,
        case when boards.unit = 'share' then 0 end as weight,
        -- Who has no date of enrolment was always there.
        coalesce(users.created_at, timestamptz '1970-01-01 00:00:00+00') as happened_at,
        'entity' as cause_kind,
        users.user_id as cause_id
    from users
    cross join boards
),

moved as (
    select
        'predictor_profit' as board,
        voter_id as entity_id,
        profit as points,
        null::integer as weight,
        happened_at,
        contest_id
    from decided

    union all

    select
        'predictor_hit_rate' as board,
        voter_id as entity_id,
        {{ decimal('hits') }} as points,
        decided_picks as weight,
        happened_at,
        contest_id
    from decided

    union all

    select
        'predictor_closing_line_value' as board,
        voter_id as entity_id,
        closing_line_value as points,
        1 as weight,
        happened_at,
        contest_id
    from closing
),

final as (
    select * from entered
    union all
    select
        board,
        entity_id,
        points,
        weight,
        happened_at,
        'contest' as cause_kind,
        contest_id as cause_id
    from moved
)

select
    board,
    'lifetime' as period,
    entity_id,
    -- A winner whose price has not come yet gains nothing so far.
    coalesce(points, {{ decimal(0) }}) as points,
    {{ whole('weight') }} as weight,
    {{ decimal('null') }} as tiebreak,
    happened_at,
    cause_kind,
    cause_id
from final
