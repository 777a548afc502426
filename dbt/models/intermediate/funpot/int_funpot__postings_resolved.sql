with postings as (
    select *
    from {{ ref('int_funpot__postings_classified') }}
    where {{ touched('funpot', 'references', 'ref_id') }}
),

votes as (
    select *
    from {{ ref('stg_funpot__votes') }}
    where {{ touched('funpot', 'contests', 'contest_id') }}
),

contests as (
    select *
    from {{ ref('stg_funpot__events') }}
    where {{ touched('funpot', 'contests', 'contest_id') }}
),

first_votes as (
    select distinct on (contest_id, voter_id)
        contest_id,
        voter_id,
        vote_id
    from votes
    order by contest_id, voter_id, cast_at, vote_id
),

votes_by_key as (
    select distinct on (contest_id, voter_id, idempotency_key)
        contest_id,
        voter_id,
        idempotency_key,
        vote_id
    from votes
    order by contest_id, voter_id, idempotency_key, cast_at, vote_id
),

final as (
    select
        postings.entry_id,
        postings.user_id,
        postings.signed_amount,
        postings.unit,
        postings.movement,
        coalesce(votes.contest_id, contests.contest_id) as contest_id,
        coalesce(
            votes.vote_id,
            settled_votes.vote_id,
            keyed_votes.vote_id,
            -- A user may vote anew after a rollback: it never undoes a vote it does not name.
            case when postings.movement <> 'stake_rolled_back' then first_votes.vote_id end
        ) as vote_id,
        postings.posted_at,
        postings._load_id
    from postings
    left join votes on postings.ref_id = votes.vote_id
    left join contests on postings.ref_id = contests.contest_id
    left join votes as settled_votes
        on postings.settled_vote_id = settled_votes.vote_id and contests.contest_id = settled_votes.contest_id
    left join votes_by_key as keyed_votes
        on
            contests.contest_id = keyed_votes.contest_id
            and postings.user_id = keyed_votes.voter_id
            and postings.vote_key = keyed_votes.idempotency_key
    left join first_votes
        on contests.contest_id = first_votes.contest_id and postings.user_id = first_votes.voter_id
)

select * from final
