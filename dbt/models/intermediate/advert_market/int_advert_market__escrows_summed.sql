with entries as (select * from {{ ref('stg_advert_market__ledger_entries') }}),

postings as (
    select
        tx_ref,
        min(account_id) filter (where account_kind = 'ESCROW') as escrow_account_id,
        sum(amount) filter (where account_kind = 'ESCROW') as to_escrow,
        sum(amount) filter (where account_kind = 'OWNER_PENDING') as to_owner,
        sum(amount) filter (where account_kind = 'COMMISSION') as to_commission,
        sum(amount) filter (where account_kind in ('EXTERNAL_TON', 'NETWORK_FEES')) as to_chain,
        max(posted_at) as posted_at
    from entries
    group by 1
),

classified as (
    select
        *,
        -- Money that enters an escrow from the owner's account is a release taken back, not a deposit.
        to_escrow > 0 and to_owner is null as is_deposit
    from postings
    where escrow_account_id is not null
),

final as (
    select
        split_part(escrow_account_id, ':', 2) as deal_id,
        coalesce(sum(to_escrow) filter (where is_deposit), 0) as escrowed,
        coalesce(sum(to_owner), 0) as owner_share,
        coalesce(sum(to_commission), 0) as commission,
        coalesce(sum(to_chain) filter (where not is_deposit), 0) as refunded,
        max(posted_at) filter (where not is_deposit) as settled_at
    from classified
    group by 1
)

select * from final
