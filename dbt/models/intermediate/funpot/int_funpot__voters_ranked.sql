with votes as (
    select *
    from {{ ref('int_funpot__votes') }}
    where accepted
),

payouts as (select * from {{ ref('int_funpot__settlement_payouts') }}),

voters as (
    select
        votes.voter_id,
        coalesce(sum(coalesce(payouts.recorded_payout, payouts.expected_payout) - payouts.stake), 0) as net,
        count(*) filter (where votes.is_winner) as hits,
        min(votes.cast_at) as first_cast_at
    from votes
    left join payouts on votes.vote_id = payouts.vote_id
    group by 1
),

final as (
    select
        voter_id,
        net,
        hits,
        row_number() over (order by net desc, hits desc, first_cast_at asc, voter_id asc) as net_rank
    from voters
)

select * from final
