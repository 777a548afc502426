with payments as (
    select *
    from {{ ref('stg_funpot__payments') }}
    where {{ newly_loaded('funpot') }}
),

postings as (
    select *
    from {{ ref('int_funpot__postings_classified') }}
    where {{ newly_loaded('funpot') }}
),

asked as (
    select
        'payment_created' as event_type,
        payment_id as row_id,
        user_id as actor_id,
        payment_id as subject_id,
        created_at as occurred_at,
        _load_id
    from payments
),

answered as (
    select
        'payment_' || status as event_type,
        payment_id as row_id,
        user_id as actor_id,
        payment_id as subject_id,
        updated_at as occurred_at,
        _load_id
    from payments
    where status <> 'pending'
),

posted as (
    select
        movement as event_type,
        entry_id as row_id,
        user_id as actor_id,
        ref_id as subject_id,
        posted_at as occurred_at,
        _load_id
    from postings
    where movement not in ('stake_taken', 'topup_paid')  -- the vote and the payment already tell of these
),

final as (
    select * from asked
    union all
    select * from answered
    union all
    select * from posted
)

select * from final
