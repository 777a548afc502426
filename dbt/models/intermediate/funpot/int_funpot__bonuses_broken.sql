with payments as (
    select *
    from {{ ref('stg_funpot__payments') }}
    where status = 'paid'
),

referrals as (
    select *
    from {{ ref('stg_funpot__referrals') }}
    where inviter_user_id is not null
),

bonuses as (
    select *
    from {{ ref('int_funpot__movements_booked') }}
    where movement in ('referral_bonus_paid', 'referral_bonus_clawed_back')
),

due as (
    select
        payments.payment_id,
        payments.invoice_id,
        referrals.inviter_user_id,
        {{ funpot_bonus('payments.amount', 'referrals.percent') }} as bonus
    from payments
    inner join referrals on payments.user_id = referrals.user_id
),

invoices as (
    select
        invoice_id,
        min(payment_id) as payment_id
    from due
    group by 1
),

paid as (
    select
        coalesce(by_payment.payment_id, by_invoice.payment_id) as payment_id,
        coalesce(by_payment.payment_id, by_invoice.payment_id, bonuses.entry_id) as subject,
        min(bonuses.user_id) as first_user_id,
        max(bonuses.user_id) as last_user_id,
        count(*) filter (where bonuses.movement = 'referral_bonus_paid') as bonuses,
        min(bonuses.posted_at) as first_posted_at,
        (
            array_agg(bonuses.posted_at order by bonuses.posted_at)
            filter (where bonuses.movement = 'referral_bonus_paid')
        )[2] as repeated_at,
        sum(bonuses.amount) as amount
    from bonuses
    left join due as by_payment on bonuses.reference = by_payment.payment_id
    left join invoices as by_invoice on bonuses.reference = by_invoice.invoice_id
    group by 1, 2
),

judged as (
    select
        paid.subject,
        paid.amount as paid,
        paid.bonuses,
        paid.first_posted_at,
        paid.repeated_at,
        coalesce(due.bonus, 0) as due,
        case
            when due.payment_id is null then 'no paid top-up of an invited user'
            when paid.bonuses > 1 then 'paid more than once'
            when due.inviter_user_id <> paid.first_user_id or due.inviter_user_id <> paid.last_user_id
                then 'paid to another than the inviter'
            when paid.amount > due.bonus then 'more than the agreed share'
        end as cause
    from paid
    left join due on paid.payment_id = due.payment_id
),

final as (
    select
        'A-15' as rule_id,
        subject,
        paid - due as amount,
        'INT' as unit,
        cause,
        case when cause = 'paid more than once' then repeated_at else first_posted_at end as broken_since,
        {{ json_object({'due': 'due', 'paid': 'paid', 'bonuses': 'bonuses'}) }} as evidence
    from judged
    where cause is not null
)

select * from final
