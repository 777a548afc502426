{{ config(meta={'follows': ['events', 'games', 'votes', 'wallet_ledger']}) }}

with stakes as (
    select *
    from {{ ref('int_funpot__stakes_settled') }}
    where standing not in ('pending', 'rolled_back')
),

returns as (
    select
        vote_id,
        sum(amount) as returned
    from {{ ref('int_funpot__returns_recorded') }}
    group by 1
),

ledger as (select exists(select 1 from {{ ref('stg_funpot__wallet_ledger') }}) as is_delivered),

compared as (
    select
        stakes.contest_id,
        stakes.vote_id,
        stakes.voter_id,
        stakes.stake,
        stakes.standing,
        stakes.payout + stakes.refund as expected_payout,
        case when ledger.is_delivered then coalesce(returns.returned, 0) end as recorded_payout
    from stakes
    cross join ledger
    left join returns on stakes.vote_id = returns.vote_id
),

final as (
    select
        contest_id,
        vote_id,
        voter_id,
        'INT' as unit,
        stake,
        standing,
        expected_payout,
        recorded_payout,
        recorded_payout - expected_payout as difference
    from compared
)

select * from final
