with contests as (select * from {{ ref('stg_funpot__events') }}),

options as (select * from {{ ref('int_funpot__options_listed') }}),

votes as (
    select *
    from {{ ref('fct_votes') }}
    where system = 'funpot' and accepted
),

points as (
    select
        contest_id,
        option_id,
        stake as points,
        cast_at as happened_at,
        'event' as cause_kind,
        'vote_cast:' || vote_id as cause_id
    from votes
    union all
    select
        options.contest_id,
        options.option_id,
        0 as points,
        contests.opened_at as happened_at,
        'entity' as cause_kind,
        options.contest_id as cause_id
    from options
    inner join contests on options.contest_id = contests.contest_id
),

final as (
    select
        'option_points' as board,
        periods.period,
        points.option_id as entity_id,
        {{ decimal('points.points') }} as points,
        {{ whole('null') }} as weight,
        {{ decimal('null') }} as tiebreak,
        points.happened_at,
        points.cause_kind,
        points.cause_id
    from points
    inner join contests on points.contest_id = contests.contest_id
    cross join lateral (values ('event:' || points.contest_id), ('game:' || contests.game_id)) as periods (period)
    where periods.period is not null
)

select * from final
