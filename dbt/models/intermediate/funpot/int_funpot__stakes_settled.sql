with votes as (select * from {{ ref('stg_funpot__votes') }}),

contests as (select * from {{ ref('int_funpot__contests_decided') }}),

results as (select * from {{ ref('int_funpot__results_declared') }}),

rollbacks as (
    select distinct ref_id as vote_id
    from {{ ref('int_funpot__postings_classified') }}
    where movement = 'stake_rolled_back'
),

stakes as (
    select
        votes.vote_id,
        votes.contest_id,
        votes.voter_id,
        votes.option_id,
        votes.stake,
        votes.cast_at,
        contests.payout_step,
        contests.no_winner,
        coalesce(results.verdict = 'winning', false) as is_winner,
        case
            when rollbacks.vote_id is not null then 'rolled_back'
            when contests.decision in ('cancelled', 'draw') or results.verdict = 'refunded' then 'returned'
            when contests.decision = 'result' then 'pooled'
            else 'pending'
        end as standing,
        div(votes.stake * contests.fee_bps, 10000) as fee,
        votes._load_id
    from votes
    left join contests on votes.contest_id = contests.contest_id
    left join results on votes.contest_id = results.contest_id and votes.option_id = results.option_id
    left join rollbacks on votes.vote_id = rollbacks.vote_id
),

option_pools as (
    select
        contest_id,
        option_id,
        sum(stake) as option_stakes,
        count(*) over (partition by contest_id) as backed_winners
    from stakes
    where standing = 'pooled' and is_winner and stake > 0
    group by 1, 2
),

pools as (
    select
        contest_id,
        sum(stake - fee) filter (where standing = 'pooled') as distributable,
        coalesce(bool_or(is_winner and stake > 0) filter (where standing = 'pooled'), false) as has_winner
    from stakes
    group by 1
),

divided as (
    select
        stakes.*,
        stakes.standing = 'returned' or (
            stakes.standing = 'pooled' and not pools.has_winner and stakes.no_winner = 'refund'
        ) as is_returned,
        coalesce(
            div(
                pools.distributable * stakes.stake,
                option_pools.option_stakes * option_pools.backed_winners * stakes.payout_step
            ) * stakes.payout_step,
            0
        ) as winnings
    from stakes
    inner join pools on stakes.contest_id = pools.contest_id
    left join option_pools
        on
            stakes.contest_id = option_pools.contest_id
            and stakes.option_id = option_pools.option_id
            and stakes.standing = 'pooled'
),

final as (
    select
        vote_id,
        contest_id,
        voter_id,
        option_id,
        stake,
        standing,
        case when standing = 'pooled' and not is_returned then is_winner end as is_winner,
        case when standing = 'pooled' and not is_returned then fee else 0 end as fee,
        case when is_returned then stake else 0 end as refund,
        case when standing = 'pooled' and not is_returned then winnings else 0 end as payout,
        cast_at,
        _load_id
    from divided
)

select * from final
