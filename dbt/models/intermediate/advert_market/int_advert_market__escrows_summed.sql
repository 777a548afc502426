with entries as (
    select *
    from {{ ref('fct_ledger_entries') }}
    where system = 'advert_market' and contest_id is not null
),

final as (
    select
        contest_id as deal_id,
        -- Money that enters an escrow because a release or refund is taken back is no deposit.
        coalesce(sum(amount) filter (
            where account_kind = 'ESCROW' and amount > 0 and reason not in ('release_reversal', 'partial_refund_reversal')
        ), 0) as escrowed,
        coalesce(sum(amount) filter (
            where account_kind = 'OWNER_PENDING' and reason not in ('payout', 'payout_reversal')
        ), 0) as owner_share,
        coalesce(sum(amount) filter (
            where account_kind = 'COMMISSION' and reason not in ('sweep', 'sweep_reversal')
        ), 0) as commission,
        coalesce(sum(amount) filter (
            where account_kind in ('EXTERNAL_TON', 'NETWORK_FEES')
            and reason in ('refund', 'partial_refund', 'partial_refund_reversal')
        ), 0) as refunded,
        coalesce(-sum(amount) filter (
            where account_kind = 'COMMISSION' and reason in ('sweep', 'sweep_reversal')
        ), 0) as swept,
        coalesce(-sum(amount) filter (
            where account_kind = 'OWNER_PENDING' and reason in ('payout', 'payout_reversal')
        ), 0) as paid_out,
        coalesce(sum(amount) filter (where account_kind = 'ESCROW'), 0) as escrow_held,
        min(posted_at) filter (where account_kind = 'ESCROW' and amount > 0) as escrowed_at,
        max(posted_at) filter (where account_kind = 'ESCROW' and amount < 0) as settled_at
    from entries
    group by 1
)

select * from final
