with entries as (
    select *
    from {{ looked_up(
        'stg_advert_market__ledger_entries', 'touched_advert_market__postings', ['tx_uuid'], 'advert_market',
    ) }} as entries
),

-- What a posting does is told by which kinds of accounts give and which receive; the description is free text.
patterns (debited, credited, reason) as (
    values
    ('EXTERNAL_TON', 'ESCROW', 'fund'),
    ('EXTERNAL_TON', 'ESCROW, OVERPAYMENT', 'fund'),
    ('EXTERNAL_TON, NETWORK_FEES', 'ESCROW', 'fund'),
    ('EXTERNAL_TON, PARTIAL_DEPOSIT', 'ESCROW', 'fund'),
    ('EXTERNAL_TON, PARTIAL_DEPOSIT', 'ESCROW, OVERPAYMENT', 'fund'),
    ('PARTIAL_DEPOSIT', 'ESCROW', 'fund'),
    ('EXTERNAL_TON', 'PARTIAL_DEPOSIT', 'partial_deposit'),
    ('EXTERNAL_TON', 'OVERPAYMENT', 'overpayment'),
    ('EXTERNAL_TON', 'LATE_DEPOSIT', 'late_deposit'),
    ('PARTIAL_DEPOSIT', 'EXTERNAL_TON', 'partial_deposit_refund'),
    ('PARTIAL_DEPOSIT', 'EXTERNAL_TON, NETWORK_FEES', 'partial_deposit_refund'),
    ('OVERPAYMENT', 'EXTERNAL_TON', 'overpayment_refund'),
    ('OVERPAYMENT', 'EXTERNAL_TON, NETWORK_FEES', 'overpayment_refund'),
    ('LATE_DEPOSIT', 'EXTERNAL_TON', 'late_deposit_refund'),
    ('LATE_DEPOSIT', 'EXTERNAL_TON, NETWORK_FEES', 'late_deposit_refund'),
    ('ESCROW', 'OWNER_PENDING', 'release'),
    ('ESCROW', 'COMMISSION, OWNER_PENDING', 'release'),
    ('OWNER_PENDING', 'ESCROW', 'release_reversal'),
    ('COMMISSION, OWNER_PENDING', 'ESCROW', 'release_reversal'),
    ('ESCROW', 'EXTERNAL_TON', 'refund'),
    ('ESCROW', 'EXTERNAL_TON, NETWORK_FEES', 'refund'),
    ('ESCROW', 'EXTERNAL_TON, OWNER_PENDING', 'partial_refund'),
    ('ESCROW', 'COMMISSION, EXTERNAL_TON, OWNER_PENDING', 'partial_refund'),
    ('ESCROW', 'EXTERNAL_TON, NETWORK_FEES, OWNER_PENDING', 'partial_refund'),
    ('ESCROW', 'COMMISSION, EXTERNAL_TON, NETWORK_FEES, OWNER_PENDING', 'partial_refund'),
    ('EXTERNAL_TON, OWNER_PENDING', 'ESCROW', 'partial_refund_reversal'),
    ('COMMISSION, EXTERNAL_TON, OWNER_PENDING', 'ESCROW', 'partial_refund_reversal'),
    ('OWNER_PENDING', 'EXTERNAL_TON', 'payout'),
    ('OWNER_PENDING', 'EXTERNAL_TON, NETWORK_FEES', 'payout'),
    ('EXTERNAL_TON', 'OWNER_PENDING', 'payout_reversal'),
    ('COMMISSION', 'PLATFORM_TREASURY', 'sweep'),
    ('PLATFORM_TREASURY', 'COMMISSION', 'sweep_reversal'),
    ('PLATFORM_TREASURY', 'EXTERNAL_TON', 'withdrawal'),
    ('PLATFORM_TREASURY', 'EXTERNAL_TON, NETWORK_FEES', 'withdrawal'),
    ('EXTERNAL_TON', 'PLATFORM_TREASURY', 'withdrawal_reversal'),
    ('PLATFORM_TREASURY', 'NETWORK_FEES', 'network_fee'),
    ('NETWORK_FEES', 'PLATFORM_TREASURY', 'network_fee_refund')
),

postings as (
    select
        tx_ref,
        string_agg(distinct account_kind, ', ' order by account_kind) filter (where direction = 'DEBIT') as debited,
        string_agg(distinct account_kind, ', ' order by account_kind) filter (where direction = 'CREDIT') as credited,
        case when count(distinct deal_id) = 1 then min(deal_id) end as deal_id,
        sum(amount) filter (where account_kind = 'ESCROW') as escrow,
        sum(amount) filter (where account_kind = 'EXTERNAL_TON') as coins,
        min(posted_at) as posted_at
    from entries
    group by 1
),

named as (
    select
        postings.*,
        case
            when 'DUST_WRITEOFF' in (postings.debited, postings.credited) then 'write_off'
            else coalesce(patterns.reason, 'other')
        end as reason
    from postings
    left join patterns on postings.debited = patterns.debited and postings.credited = patterns.credited
),

refunds as (
    select
        deal_id,
        escrow,
        coins,
        min(posted_at) as since
    from named
    where reason = 'refund'
    group by 1, 2, 3
),

final as (
    select
        named.tx_ref,
        case when refunds.since is not null then 'refund_reversal' else named.reason end as reason,
        named.deal_id
    from named
    -- What brings, to the nano, what the deal gave back before takes that refund back.
    left join refunds
        on
            named.reason = 'fund' and named.deal_id = refunds.deal_id and named.posted_at > refunds.since
            and named.escrow = -refunds.escrow and named.coins = -refunds.coins
)

select * from final
