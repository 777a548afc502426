with options as (select * from {{ ref('int_funpot__options_listed') }}),

votes as (
    select *
    from {{ ref('int_funpot__votes') }}
    where accepted
),

contests as (select * from {{ ref('stg_funpot__events') }}),

settlements as (select * from {{ ref('int_funpot__settlements') }}),

streamers as (select * from {{ ref('stg_funpot__streamers') }}),

voters as (select * from {{ ref('int_funpot__voters_ranked') }}),

option_points as (
    select
        contest_id,
        option_id,
        0 as points
    from options
    union all
    select
        contest_id,
        option_id,
        stake as points
    from votes
),

points_by_period as (
    select
        'event:' || contest_id as period,
        option_id,
        sum(points) as score
    from option_points
    group by 1, 2
    union all
    select
        'game:' || contests.game_id as period,
        option_points.option_id,
        sum(option_points.points) as score
    from option_points
    inner join contests on option_points.contest_id = contests.contest_id
    where contests.game_id is not null
    group by 1, 2
),

streamer_revenue as (
    select
        streamers.streamer_id,
        coalesce(sum(
            settlements.stakes - settlements.refunds
            - coalesce(settlements.payouts_recorded, settlements.payouts_expected)
        ), 0) as score
    from streamers
    left join contests on streamers.streamer_id = contests.streamer_id
    left join settlements on contests.contest_id = settlements.contest_id
    group by 1
),

final as (
    select
        'option_points' as board,
        period,
        rank() over (partition by period order by score desc) as rank,
        option_id as entity_id,
        score,
        'competition' as tie_rule
    from points_by_period
    union all
    select
        'voter_net' as board,
        'lifetime' as period,
        net_rank as rank,
        voter_id as entity_id,
        net as score,
        'ordinal by hits desc, first vote, voter id' as tie_rule
    from voters
    union all
    select
        'streamer_ggr' as board,
        'lifetime' as period,
        rank() over (order by score desc) as rank,
        streamer_id as entity_id,
        score,
        'competition' as tie_rule
    from streamer_revenue
)

select * from final
