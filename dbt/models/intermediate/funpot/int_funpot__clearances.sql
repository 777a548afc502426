with entries as (

    select
        entry_id,
        tx_ref,
        unit,
        amount,
        reason,
        replace(account_id, 'WALLET:', '') as user_id,
        case when idempotency_key like 'event_settlement:%' then split_part(idempotency_key, ':', 4) else reference end
            as reference
    from {{ ref('fct_ledger_entries') }}
    where system = 'funpot' and account_kind = 'wallet'

),

payouts as (

    select
        vote_id,
        contest_id,
        voter_id,
        difference
    from {{ ref('settlement_payouts') }}
    where system = 'funpot'

),

-- A posting may name the event instead of the vote.
payouts_of_events as (

    select
        contest_id,
        voter_id,
        sum(difference) as difference
    from payouts
    group by 1, 2

),

payments as (

    select payment_id
    from {{ ref('stg_funpot__payments') }}
    where status = 'paid'

),

-- An invoice stands for the payment with the smallest id.
invoices as (

    select invoice_id
    from {{ ref('stg_funpot__payments') }}
    group by 1
    having (array_agg(status order by payment_id))[1] = 'paid'

),

-- What was taken and given back under one reference is closed by that.
undone as (

    select reference
    from entries
    where reason in ('vote_cost', 'event_vote', 'event_vote_rollback', 'withdraw')
    group by 1
    having sum(amount) = 0

),

final as (

    select
        entries.tx_ref,
        entries.unit,
        case
            when entries.reason in ('stars_topup', 'referral_bonus')
                then payments.payment_id is not null or invoices.invoice_id is not null
            when undone.reference is not null then true
            when entries.reason = 'withdraw' then false
            when entries.amount < 0 then payouts.vote_id is not null or payouts_of_events.contest_id is not null
            else coalesce(payouts.difference, payouts_of_events.difference, 1) = 0
        end as is_cleared
    from entries
    left join payouts on entries.reference = payouts.vote_id
    left join payouts_of_events
        on entries.reference = payouts_of_events.contest_id and entries.user_id = payouts_of_events.voter_id
    left join payments on entries.reference = payments.payment_id
    left join invoices on entries.reference = invoices.invoice_id
    left join undone on entries.reference = undone.reference

)

select * from final
