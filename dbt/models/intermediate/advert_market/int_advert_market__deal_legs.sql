with entries as (
    select *
    from {{ ref('fct_ledger_entries') }}
    where system = 'advert_market' and contest_id is not null
),

final as (
    select
        entry_id,
        contest_id as deal_id,
        account_id,
        account_kind,
        case
            -- Money that enters an escrow because a release or refund is taken back is no deposit.
            when
                account_kind = 'ESCROW' and amount > 0
                and reason not in ('release_reversal', 'refund_reversal', 'partial_refund_reversal')
                then 'escrowed'
            when account_kind = 'OWNER_PENDING' and reason in ('payout', 'payout_reversal') then 'paid_out'
            when account_kind = 'OWNER_PENDING' then 'owner_share'
            when account_kind = 'COMMISSION' and reason in ('sweep', 'sweep_reversal') then 'swept'
            when account_kind = 'COMMISSION' then 'commission'
            when
                account_kind in ('EXTERNAL_TON', 'NETWORK_FEES')
                and reason in ('refund', 'refund_reversal', 'partial_refund', 'partial_refund_reversal')
                then 'refunded'
        end as step,
        amount,
        posted_at
    from entries
)

select * from final
