with wallets as (
    select
        *,
        replace(account_id, 'WALLET:', '') as user_id
    from {{ ref('int_balances__drifting') }}
    where system = 'funpot'
),

owed as (
    select * from {{ ref('int_funpot__postings_owed') }}
),

entries as (
    select
        account_id,
        entry_id,
        amount,
        posted_at,
        reason in ('vote_cost', 'event_vote', 'event_vote_rollback', 'withdraw') as can_be_undone,
        -- A reward refers to its event and names the vote in its key.
        case when idempotency_key like 'event_settlement:%' then split_part(idempotency_key, ':', 4) else reference end
            as reference,
        case
            when reason in ('vote_cost', 'event_vote') and amount < 0 then 'stake'
            when reason = 'stars_topup' and amount > 0 then 'topup'
            when reason = 'referral_bonus' and amount > 0 then 'bonus'
            when reason = 'withdraw' then 'withdrawal'
            else 'return'
        end as kind
    from {{ ref('int_balances__drifting_entries') }}
    where
        system = 'funpot'
        and entry_id not in (select repeated.entry_id from {{ ref('int_balances__repeated_entries') }} as repeated)
),

fulfilled as (
    select
        owed.account_id,
        owed.witness,
        owed.expected,
        coalesce(sum(entries.amount), 0) as posted,
        coalesce(min(entries.posted_at), min(owed.owed_at)) as happened_at,
        min(entries.entry_id) as entry_id
    from owed
    left join entries
        on
            owed.account_id = entries.account_id
            and owed.kind = entries.kind
            and entries.reference in (owed.record_id, owed.group_id)
    group by 1, 2, 3
),

-- Stakes of votes that were taken back, and withdrawals that came back, leave nothing.
undone as (
    select
        entries.account_id,
        'both sides of ' || entries.reference as witness,
        0 as expected,
        sum(entries.amount) as posted,
        min(entries.posted_at) as happened_at,
        case when count(*) > 1 then min(entries.entry_id) end as entry_id
    from entries
    where
        entries.can_be_undone
        and not exists (
            select 1 from owed
            where
                owed.account_id = entries.account_id
                and owed.kind in ('stake', 'return')
                and entries.reference in (owed.record_id, owed.group_id)
        )
    group by 1, 2
    having count(*) > 1 or max(entries.kind) <> 'withdrawal' or sum(entries.amount) > 0
),

final as (
    select * from fulfilled
    union all
    select * from undone
)

select
    final.account_id,
    wallets.unit,
    case when final.entry_id is null then 'missing entry' else 'wrong amount' end as cause,
    case when final.entry_id is null then 6 else 4 end as precedence,
    final.entry_id,
    final.happened_at,
    final.expected - final.posted as amount,
    final.witness
from final
inner join wallets on final.account_id = wallets.account_id
where final.expected <> final.posted
