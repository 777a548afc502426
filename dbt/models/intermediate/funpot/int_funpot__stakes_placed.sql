with votes as (
    select *
    from {{ ref('stg_funpot__votes') }}
    where {{ touched('funpot', 'contests', 'contest_id') }}
),

contests as (select * from {{ ref('int_funpot__contests_decided') }}),

rules as (select * from {{ ref('int_funpot__contest_rules') }}),

results as (select * from {{ ref('int_funpot__results_declared') }}),

rollbacks as (
    select distinct vote_id
    from {{ ref('int_funpot__postings_resolved') }}
    where movement = 'stake_rolled_back'
),

final as (
    select
        votes.vote_id,
        votes.contest_id,
        votes.voter_id,
        votes.option_id,
        votes.stake,
        case
            when rollbacks.vote_id is not null then 'rolled_back'
            when contests.decision in ('cancelled', 'draw') then contests.decision
            when results.verdict = 'refunded' then 'scratched'
            when contests.decision = 'result' then 'pooled'
            else 'pending'
        end as standing,
        coalesce(results.verdict = 'winning', false) as backs_winner,
        {{ funpot_fee("votes.stake", "rules.fee_bps") }} as fee,
        rules.payout_step,
        rules.no_winner,
        rules.dead_heat,
        votes.cast_at,
        votes._load_id
    from votes
    left join contests on votes.contest_id = contests.contest_id
    left join rules on votes.contest_id = rules.contest_id
    left join results on votes.contest_id = results.contest_id and votes.option_id = results.option_id
    left join rollbacks on votes.vote_id = rollbacks.vote_id
)

select * from final
