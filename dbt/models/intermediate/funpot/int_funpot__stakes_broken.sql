with movements as (
    select
        user_id,
        coalesce(contest_id, reference, entry_id) as staked_on,
        sum(case when movement = 'stake_taken' then -amount else {{ whole(0) }} end) as taken,
        sum(case when movement = 'stake_rolled_back' then amount else {{ whole(0) }} end) as rolled_back
    from {{ ref('int_funpot__movements_booked') }}
    where movement in ('stake_taken', 'stake_rolled_back')
    group by 1, 2
),

stakes as (
    select
        voter_id as user_id,
        contest_id as staked_on,
        sum(stake) as staked
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
        coalesce(movements.rolled_back, 0) as rolled_back
    from stakes
    full join movements on stakes.staked_on = movements.staked_on and stakes.user_id = movements.user_id
),

final as (
    select
        'A-05' as rule_id,
        staked_on || ':' || user_id as subject,
        taken - rolled_back - staked as amount,
        'INT' as unit,
        case
            when staked = 0 then 'stake taken without a vote'
            when taken = rolled_back then 'vote without a stake'
            else 'another stake taken'
        end as cause,
        {{ json_object({'staked': 'staked', 'taken': 'taken', 'rolled_back': 'rolled_back'}) }} as evidence
    from compared
    where
        taken - rolled_back <> staked
        -- Without any ledger there is nothing to compare votes with.
        and exists (select 1 from {{ ref('fct_ledger_entries') }} as entries where entries.system = 'funpot')
)

select * from final
