with ledger as (select * from {{ ref('stg_funpot__wallet_ledger') }}),

votes as (
    select *
    from {{ ref('fct_votes') }}
    where system = 'funpot'
),

contests as (
    select *
    from {{ ref('settlements') }}
    where system = 'funpot'
),

final as (
    select
        ledger.entry_id,
        ledger.user_id,
        ledger.unit,
        case when ledger.direction = 'credit' then ledger.amount else -ledger.amount end as amount,
        {{ funpot_movement("ledger.reason", "ledger.direction = 'credit'", "ledger.idempotency_key") }} as movement,
        ledger.ref_id,
        votes.vote_id,
        coalesce(votes.contest_id, contests.contest_id) as contest_id,
        ledger.posted_at
    from ledger
    left join votes on ledger.ref_id = votes.vote_id
    left join contests on ledger.ref_id = contests.contest_id
)

select * from final
