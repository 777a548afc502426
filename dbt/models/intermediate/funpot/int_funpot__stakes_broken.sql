with newest as (select * from {{ ref('int_funpot__newest') }}),

-- Where vote and event are unknown, a stake given back can only have been rolled back.
movements as (
    select
        user_id,
        coalesce(contest_id, reference, entry_id) as staked_on,
        sum(case when movement = 'stake_taken' then -amount else {{ whole(0) }} end) as taken,
        sum(case when movement <> 'stake_taken' then amount else {{ whole(0) }} end) as rolled_back,
        min(posted_at) as first_posted_at,
        max(posted_at) as last_posted_at
    from {{ ref('int_funpot__movements_booked') }}
    where
        movement in ('stake_taken', 'stake_rolled_back')
        or (movement = 'stake_refunded' and contest_id is null)
    group by 1, 2
),

stakes as (
    select
        voter_id as user_id,
        contest_id as staked_on,
        {{ whole('sum(stake)') }} as staked,
        min(cast_at) as first_cast_at,
        max(cast_at) as last_cast_at
    from {{ ref('fct_votes') }}
    where system = 'funpot' and accepted and stake > 0
    group by 1, 2
),

compared as (
    select
        coalesce(stakes.staked_on, movements.staked_on) as staked_on,
        coalesce(stakes.user_id, movements.user_id) as user_id,
        coalesce(stakes.staked, 0) as staked,
        coalesce(movements.taken, 0) as taken,
        coalesce(movements.rolled_back, 0) as rolled_back,
        stakes.first_cast_at,
        movements.first_posted_at,
        greatest(stakes.last_cast_at, movements.last_posted_at) as last_happened_at
    from stakes
    full join movements on stakes.staked_on = movements.staked_on and stakes.user_id = movements.user_id
),

final as (
    select
        'A-05' as rule_id,
        compared.staked_on || ':' || compared.user_id as subject,
        compared.taken - compared.rolled_back - compared.staked as amount,
        'INT' as unit,
        case
            when compared.taken < compared.rolled_back then 'more given back than taken'
            when compared.staked = 0 then 'stake taken without a vote'
            when compared.taken = compared.rolled_back then 'vote without a stake'
            else 'another stake taken'
        end as cause,
        case
            when compared.taken < compared.rolled_back then compared.last_happened_at
            when compared.staked = 0 then compared.first_posted_at
            when compared.taken = compared.rolled_back then compared.first_cast_at
            else compared.last_happened_at
        end as broken_since,
        {{ json_object({
            'staked': 'compared.staked',
            'taken': 'compared.taken',
            'rolled_back': 'compared.rolled_back',
        }) }} as evidence
    from compared
    cross join newest
    where
        compared.taken - compared.rolled_back <> compared.staked
        -- A vote and its posting may arrive a day apart.
        and compared.last_happened_at + interval '24 hours' < newest.newest_at
        -- Without any ledger there is nothing to compare votes with.
        and exists (select 1 from {{ ref('stg_funpot__wallet_ledger') }})
)

select * from final
