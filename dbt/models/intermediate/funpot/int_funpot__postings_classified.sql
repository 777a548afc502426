with ledger as (select * from {{ ref('stg_funpot__wallet_ledger') }}),

final as (
    select
        entry_id,
        user_id,
        case when direction = 'credit' then amount else -amount end as signed_amount,
        unit,
        {{ funpot_movement("reason", "direction = 'credit'", "idempotency_key") }} as movement,
        ref_id,
        case
            when idempotency_key like 'event_settlement:%' then split_part(idempotency_key, ':', 4)
        end as settled_vote_id,
        case
            when idempotency_key like '%:rollback' then substr(idempotency_key, 1, length(idempotency_key) - 9)
            else idempotency_key
        end as vote_key,
        posted_at,
        _load_id
    from ledger
)

select * from final
