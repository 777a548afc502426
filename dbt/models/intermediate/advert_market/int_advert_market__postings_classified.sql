with entries as (select * from {{ ref('stg_advert_market__ledger_entries') }}),

sides as (
    select distinct
        tx_ref,
        account_kind || ' ' || direction as side
    from entries
),

signatures as (
    select
        tx_ref,
        string_agg(side, ', ' order by side) as signature
    from sides
    group by 1
),

final as (
    select
        tx_ref,
        case signature
            when 'ESCROW CREDIT, EXTERNAL_TON DEBIT' then 'fund'
            when 'ESCROW DEBIT, OWNER_PENDING CREDIT' then 'release'
            when 'COMMISSION CREDIT, ESCROW DEBIT, OWNER_PENDING CREDIT' then 'release'
            when 'ESCROW DEBIT, EXTERNAL_TON CREDIT' then 'refund'
            when 'ESCROW DEBIT, EXTERNAL_TON CREDIT, NETWORK_FEES CREDIT' then 'refund'
            when 'EXTERNAL_TON CREDIT, OWNER_PENDING DEBIT' then 'payout'
            when 'COMMISSION DEBIT, PLATFORM_TREASURY CREDIT' then 'sweep'
            when 'EXTERNAL_TON CREDIT, PLATFORM_TREASURY DEBIT' then 'withdrawal'
            else 'other'
        end as reason
    from signatures
)

select * from final
