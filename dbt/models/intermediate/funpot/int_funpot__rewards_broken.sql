with newest as (select * from {{ ref('int_funpot__newest') }}),

rewards as (
    select
        coalesce(contest_id, reference, entry_id) as subject,
        contest_id,
        sum(amount) as rewarded,
        min(posted_at) as first_rewarded_at,
        max(posted_at) as last_rewarded_at
    from {{ ref('int_funpot__movements_booked') }}
    where movement in ('reward_paid', 'reward_clawed_back')
    group by 1, 2
),

contests as (
    select *
    from {{ ref('settlements') }}
    where system = 'funpot'
),

final as (
    select
        'A-09' as rule_id,
        rewards.subject,
        rewards.rewarded as amount,
        'INT' as unit,
        case
            when contests.contest_id is null then 'reward for no contest'
            when contests.outcome is null then 'reward before the result'
            else 'reward without a winner'
        end as cause,
        rewards.first_rewarded_at as broken_since,
        {{ json_object({
            'outcome': 'contests.outcome',
            'rewarded': 'rewards.rewarded',
            'first_rewarded_at': instant_text('rewards.first_rewarded_at'),
        }) }} as evidence
    from rewards
    cross join newest
    left join contests on rewards.contest_id = contests.contest_id
    where
        rewards.rewarded <> 0
        and (contests.outcome is null or contests.outcome in ('cancelled', 'draw'))
        -- The contest may be delivered a day after the reward.
        and rewards.last_rewarded_at + interval '24 hours' < newest.newest_at
)

select * from final
