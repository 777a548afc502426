{{ config(meta={'follows': ['wallet_ledger']}) }}

with ledger as (
    select *
    from {{ ref('stg_funpot__wallet_ledger') }}
    where {{ newly_loaded('funpot') }}
),

wallet_side as (
    select
        entry_id,
        entry_id as tx_ref,
        'WALLET:' || user_id as account_id,
        'wallet' as account_kind,
        unit,
        case when direction = 'credit' then amount else -amount end as amount,
        reason,
        null::text as contest_id,
        ref_id as reference,
        idempotency_key,
        posted_at,
        _load_id
    from ledger
),

house_side as (
    select
        entry_id || ':house' as entry_id,
        tx_ref,
        'HOUSE' as account_id,
        'house' as account_kind,
        unit,
        -amount as amount,
        reason,
        contest_id,
        reference,
        idempotency_key,
        posted_at,
        _load_id
    from wallet_side
),

final as (
    select * from wallet_side
    union all
    select * from house_side
)

select * from final
