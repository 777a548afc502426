-- An event that has no time of its change was cancelled when its timer ended.
with contests as (
    select
        contest_id,
        coalesce(updated_at, closes_at) as cancelled_at
    from {{ ref('stg_funpot__events') }}
    where state = 'cancelled'
),

newest as (select * from {{ ref('int_funpot__newest') }}),

-- Each wallet is judged by itself, so that one that got too much does not hide another.
wallets as (
    select
        contest_id,
        user_id,
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
        contests.cancelled_at,
        count(*) as wallets,
        sum(wallets.taken) as taken,
        sum(wallets.given_back) as given_back,
        sum(abs(wallets.taken - wallets.given_back)) as amount,
        bool_or(wallets.taken > wallets.given_back) as lacks,
        bool_or(wallets.taken < wallets.given_back) as exceeds,
        max(wallets.last_given_back_at) as last_given_back_at,
        min(wallets.user_id) as first_user_id
    from contests
    inner join wallets on contests.contest_id = wallets.contest_id
    where wallets.taken <> wallets.given_back
    group by 1, 2
),

final as (
    select
        'A-12' as rule_id,
        cancelled.contest_id as subject,
        cancelled.amount,
        'INT' as unit,
        case
            when not cancelled.exceeds then 'stakes not returned'
            when not cancelled.lacks then 'more returned than staked'
            else 'stakes returned to others'
        end as cause,
        case
            when cancelled.lacks then cancelled.cancelled_at
            else greatest(cancelled.cancelled_at, cancelled.last_given_back_at)
        end as broken_since,
        {{ json_object({
            'cancelled_at': instant_text('cancelled.cancelled_at'),
            'wallets': 'cancelled.wallets',
            'taken': 'cancelled.taken',
            'given_back': 'cancelled.given_back',
            'first_user_id': 'cancelled.first_user_id',
        }) }} as evidence
    from cancelled
    cross join newest
    where cancelled.cancelled_at + interval '24 hours' < newest.newest_at
)

select * from final
