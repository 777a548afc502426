-- Three facts tell of the same stakes: votes, what is due for each, and the contest. In a winless pool all that is not
-- fee is breakage; where somebody won it is rounding alone, less than a step for each winning stake.
with votes as (
    select
        contest_id,
        sum(stake) as stakes,
        count(*) filter (where is_winner and stake > 0) as winning_stakes
    from {{ ref('fct_votes') }}
    where system = 'funpot' and accepted
    group by 1
),

payouts as (
    select
        contest_id,
        sum(expected_payout) as due
    from {{ ref('settlement_payouts') }}
    where system = 'funpot'
    group by 1
),

compared as (
    select
        settlements.contest_id,
        settlements.outcome,
        settlements.stakes,
        settlements.fee,
        settlements.refunds,
        settlements.payouts_expected,
        settlements.breakage,
        rules.payout_step,
        coalesce(votes.stakes, 0) as stakes_of_votes,
        coalesce(votes.winning_stakes, 0) as winning_stakes,
        coalesce(payouts.due, 0) as due
    from {{ ref('settlements') }} as settlements
    inner join {{ ref('int_funpot__contest_rules') }} as rules on settlements.contest_id = rules.contest_id
    left join votes on settlements.contest_id = votes.contest_id
    left join payouts on settlements.contest_id = payouts.contest_id
    where settlements.system = 'funpot'
)

select * from compared
where
    stakes <> stakes_of_votes
    or payouts_expected + refunds <> due
    or fee < 0
    or breakage < 0
    or (winning_stakes > 0 and breakage >= winning_stakes * payout_step)
    or (winning_stakes = 0 and breakage <> stakes - fee - refunds)
    or (outcome in ('draw', 'cancelled') and (fee <> 0 or breakage <> 0 or refunds <> stakes))
