with postings as (select * from {{ ref('int_funpot__postings_resolved') }}),

final as (
    select
        entry_id,
        contest_id,
        vote_id,
        signed_amount as amount,
        movement,
        posted_at
    from postings
    where
        contest_id is not null
        and movement in ('stake_refunded', 'reward_paid', 'reward_clawed_back')
        and unit = 'INT'
)

select * from final
