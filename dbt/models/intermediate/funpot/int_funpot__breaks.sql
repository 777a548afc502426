with contests as (
    select *
    from {{ ref('int_funpot__contests_decided') }}
    where decision = 'cancelled'
),

postings as (select * from {{ ref('int_funpot__postings_resolved') }}),

latest as (
    select max(happened_at) as as_of
    from (
        select max(posted_at) as happened_at from {{ ref('stg_funpot__wallet_ledger') }}
        union all
        select max(cast_at) from {{ ref('stg_funpot__votes') }}
        union all
        select max(updated_at) from {{ ref('stg_funpot__events') }}
    ) as instants
),

movements as (
    select
        contest_id,
        coalesce(vote_id, user_id) as stake_of,
        sum(case when movement = 'stake_taken' then -signed_amount else 0 end) as taken,
        sum(case when movement <> 'stake_taken' then signed_amount else 0 end) as given_back
    from postings
    where movement in ('stake_taken', 'stake_refunded', 'stake_rolled_back')
    group by 1, 2
),

cancelled as (
    select
        contests.contest_id,
        contests.updated_at,
        sum(movements.taken) as taken,
        sum(movements.given_back) as given_back,
        min(movements.stake_of) filter (where movements.taken <> movements.given_back) as first_vote_affected
    from contests
    inner join movements on contests.contest_id = movements.contest_id
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
        jsonb_build_object(
            'cancelled_at', cancelled.updated_at,
            'taken', cancelled.taken,
            'given_back', cancelled.given_back,
            'first_vote_affected', cancelled.first_vote_affected
        ) as evidence
    from cancelled
    cross join latest
    where cancelled.taken <> cancelled.given_back and cancelled.updated_at + interval '24 hours' < latest.as_of
)

select * from final
