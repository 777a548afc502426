with ledger as (select * from {{ ref('stg_funpot__wallet_ledger') }}),

final as (
    select
        entry_id,
        user_id,
        case when direction = 'credit' then amount else -amount end as signed_amount,
        unit,
        case
            when reason = 'event_vote_rollback' or (
                reason in ('vote_cost', 'event_vote') and direction = 'credit' and idempotency_key like '%:rollback'
            ) then 'stake_rolled_back'
            when reason = 'event_draw_refund' then 'stake_refunded'
            when reason in ('vote_cost', 'event_vote') and direction = 'credit' then 'stake_refunded'
            when reason in ('vote_cost', 'event_vote') then 'stake_taken'
            when reason in ('reward', 'event_win') and direction = 'credit' then 'reward_paid'
            when reason in ('reward', 'event_win') then 'reward_clawed_back'
            when reason = 'stars_topup' and direction = 'credit' then 'topup_paid'
            when reason = 'stars_topup' then 'topup_clawed_back'
            when reason = 'withdraw' and direction = 'credit' then 'withdrawal_returned'
            when reason = 'withdraw' then 'withdrawal_taken'
            when reason = 'referral_bonus' and direction = 'credit' then 'referral_bonus_paid'
            when reason = 'referral_bonus' then 'referral_bonus_clawed_back'
            else coalesce(reason, 'unexplained')
        end as movement,
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
