with contests as (
    select *
    from {{ ref('stg_funpot__events') }}
    where state = 'cancelled'
),

latest as (
    select max(occurred_at) as as_of
    from {{ ref('fct_events') }}
    where system = 'funpot'
),

stakes as (
    select
        contest_id,
        coalesce(vote_id, user_id) as stake_of,
        sum(case when movement = 'stake_taken' then -amount else {{ whole(0) }} end) as taken,
        sum(case when movement <> 'stake_taken' then amount else {{ whole(0) }} end) as given_back,
        max(posted_at) filter (where movement <> 'stake_taken') as last_given_back_at
    from {{ ref('int_funpot__movements_booked') }}
    where movement in ('stake_taken', 'stake_refunded', 'stake_rolled_back')
    group by 1, 2
),

cancelled as (
    select
        contests.contest_id,
        contests.updated_at as cancelled_at,
        sum(stakes.taken) as taken,
        sum(stakes.given_back) as given_back,
        max(stakes.last_given_back_at) as last_given_back_at,
        min(stakes.stake_of) filter (where stakes.taken <> stakes.given_back) as first_vote_affected
    from contests
    inner join stakes on contests.contest_id = stakes.contest_id
    group by 1, 2
),

final as (
    select
        'A-12' as rule_id,
        cancelled.contest_id as subject,
        cancelled.taken - cancelled.given_back as amount,
        'INT' as unit,
        case when cancelled.taken > cancelled.given_back then 'stakes not returned' else 'more returned than staked' end
            as cause,
        case
            when cancelled.taken > cancelled.given_back then cancelled.cancelled_at
            else greatest(cancelled.cancelled_at, cancelled.last_given_back_at)
        end as broken_since,
        {{ json_object({
            'cancelled_at': instant_text('cancelled.cancelled_at'),
            'taken': 'cancelled.taken',
            'given_back': 'cancelled.given_back',
            'first_vote_affected': 'cancelled.first_vote_affected',
        }) }} as evidence
    from cancelled
    cross join latest
    where cancelled.taken <> cancelled.given_back and cancelled.cancelled_at + interval '24 hours' < latest.as_of
)

select * from final
