with entries as (
    select *
    from {{ ref('fct_ledger_entries') }}
    where system = 'funpot' and account_kind = 'wallet'
),

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
        entries.entry_id,
        substr(entries.account_id, length('WALLET:') + 1) as user_id,
        entries.unit,
        entries.amount,
        {{ funpot_movement("entries.reason", "entries.amount > 0", "entries.idempotency_key") }} as movement,
        entries.reference,
        votes.vote_id,
        coalesce(votes.contest_id, contests.contest_id) as contest_id,
        entries.posted_at
    from entries
    left join votes on entries.reference = votes.vote_id
    left join contests on entries.reference = contests.contest_id
)

select * from final
