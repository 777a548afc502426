with balances as (select * from {{ ref('advert_market_trial_balance') }}),

-- Every kind has one place. Gas is no income: what was credited to NETWORK_FEES has left the platform's wallet.
places as (
    select
        account_kind,
        section,
        line,
        sign
    from (
        values
        ('EXTERNAL_TON', 'assets', 'coins_held', -1),
        ('NETWORK_FEES', 'assets', 'coins_held', -1),
        ('ESCROW', 'liabilities', 'escrow', 1),
        ('OWNER_PENDING', 'liabilities', 'owner_pending', 1),
        ('PARTIAL_DEPOSIT', 'liabilities', 'deposits_in_transit', 1),
        ('OVERPAYMENT', 'liabilities', 'deposits_in_transit', 1),
        ('LATE_DEPOSIT', 'liabilities', 'deposits_in_transit', 1),
        ('COMMISSION', 'equity', 'commission', 1),
        ('PLATFORM_TREASURY', 'equity', 'treasury', 1),
        ('DUST_WRITEOFF', 'equity', 'dust_written_off', 1)
    ) as chart (account_kind, section, line, sign)
),

final as (
    select
        balances.day,
        coalesce(places.section, 'liabilities') as section,
        -- Money on an account of a kind that nobody announced may be owed to somebody.
        coalesce(places.line, 'unclassified') as line,
        balances.unit,
        sum(balances.closing * coalesce(places.sign, 1)) as closing
    from balances
    left join places on balances.account_kind = places.account_kind
    group by 1, 2, 3, 4
)

select * from final
