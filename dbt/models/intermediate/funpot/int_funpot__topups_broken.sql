with payments as (select * from {{ ref('stg_funpot__payments') }}),

credits as (
    select *
    from {{ ref('int_funpot__movements_booked') }}
    where movement in ('topup_paid', 'topup_clawed_back')
),

invoices as (
    select
        invoice_id,
        min(payment_id) as payment_id
    from payments
    group by 1
),

credited as (
    select
        coalesce(payments.payment_id, invoices.payment_id) as payment_id,
        coalesce(payments.payment_id, invoices.payment_id, credits.entry_id) as subject,
        min(credits.user_id) as first_user_id,
        max(credits.user_id) as last_user_id,
        count(*) filter (where credits.movement = 'topup_paid') as credits,
        min(credits.posted_at) as first_posted_at,
        (array_agg(credits.posted_at order by credits.posted_at) filter (where credits.movement = 'topup_paid'))[2]
            as repeated_at,
        sum(case when credits.movement = 'topup_paid' then credits.amount else {{ whole(0) }} end) as credited,
        sum(case when credits.movement <> 'topup_paid' then -credits.amount else {{ whole(0) }} end) as taken_back,
        max(credits.posted_at) filter (where credits.movement <> 'topup_paid') as last_taken_back_at
    from credits
    left join payments on credits.reference = payments.payment_id
    left join invoices on credits.reference = invoices.invoice_id
    group by 1, 2
),

ledger as (select exists(select 1 from {{ ref('stg_funpot__wallet_ledger') }}) as is_delivered),

compared as (
    select
        coalesce(payments.payment_id, credited.subject) as subject,
        payments.status,
        payments.updated_at,
        credited.first_posted_at,
        credited.repeated_at,
        case when payments.status = 'paid' then payments.amount else {{ whole(0) }} end as due,
        credited.last_taken_back_at,
        coalesce(credited.credited, 0) as credited,
        coalesce(credited.taken_back, 0) as taken_back,
        coalesce(credited.credits, 0) as credits,
        payments.user_id = credited.first_user_id and payments.user_id = credited.last_user_id as is_own
    from payments
    full join credited on payments.payment_id = credited.payment_id
),

judged as (
    select
        *,
        case
            when status is null then 'top-up without a payment'
            when status <> 'paid' and credited <> taken_back then 'credited without being paid'
            when status <> 'paid' then null
            when credits = 0 then 'not credited'
            when credits > 1 then 'credited more than once'
            when credited <> due then 'another amount credited'
            when not is_own then 'credited to another user'
            when taken_back > credited then 'more taken back than credited'
        end as cause
    from compared
),

final as (
    select
        'A-03' as rule_id,
        judged.subject,
        judged.credited - judged.due - greatest(judged.taken_back - judged.due, 0) as amount,
        'INT' as unit,
        judged.cause,
        case judged.cause
            when 'not credited' then judged.updated_at
            when 'credited more than once' then judged.repeated_at
            when 'more taken back than credited' then judged.last_taken_back_at
            else judged.first_posted_at
        end as broken_since,
        {{ json_object({
            'status': 'judged.status',
            'due': 'judged.due',
            'credited': 'judged.credited',
            'credits': 'judged.credits',
            'taken_back': 'judged.taken_back',
        }) }} as evidence
    from judged
    cross join ledger
    where judged.cause is not null and ledger.is_delivered
)

select * from final
