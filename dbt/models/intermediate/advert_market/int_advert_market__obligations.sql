with accounts as (
    select * from {{ ref('int_balances__drifting') }}
    where system = 'advert_market'
),

entries as (
    select * from {{ ref('int_balances__drifting_entries') }}
    where system = 'advert_market'
),

deals as (select * from {{ ref('stg_advert_market__deals') }}),

unbalanced as (
    select
        tx_ref,
        -sum(amount) as lacking,
        min(posted_at) as posted_at
    from {{ ref('fct_ledger_entries') }}
    -- Without an account that drifts there is nothing to look for, and no pass over the ledger.
    where system = 'advert_market' and exists (select 1 from accounts)
    group by 1
    having sum(amount) <> 0
),

wrong_legs as (
    select
        account_id,
        unit,
        'wrong amount' as cause,
        4 as precedence,
        entry_id,
        posted_at as happened_at,
        -imbalance as amount,
        'the other legs of posting ' || tx_ref as witness
    from entries
    where imbalance <> 0
),

missing_legs as (
    select
        accounts.account_id,
        accounts.unit,
        'missing entry' as cause,
        6 as precedence,
        null::text as entry_id,
        unbalanced.posted_at as happened_at,
        unbalanced.lacking as amount,
        'the other legs of posting ' || unbalanced.tx_ref as witness
    from accounts
    inner join unbalanced on accounts.drift = unbalanced.lacking
    where not exists (
        select 1 from entries
        where entries.account_id = accounts.account_id and entries.tx_ref = unbalanced.tx_ref
    )
),

wrong_deposits as (
    select
        entries.account_id,
        entries.unit,
        'wrong amount' as cause,
        4 as precedence,
        entries.entry_id,
        entries.posted_at as happened_at,
        case when entries.amount > 0 then deals.amount else -deals.amount end - entries.amount as amount,
        'deal ' || deals.deal_id as witness
    from entries
    inner join deals on entries.reference = deals.deal_id
    where entries.reason = 'fund' and abs(entries.amount) <> deals.amount
),

-- The projection names a leg that the ledger does not hold.
missing_newest as (
    select
        accounts.account_id,
        accounts.unit,
        'missing entry' as cause,
        6 as precedence,
        accounts.last_entry_id as entry_id,
        accounts.projected_until as happened_at,
        accounts.drift as amount,
        'the projection names the leg as its newest' as witness
    from accounts
    where
        accounts.last_entry_id is not null
        and accounts.last_entry_id not in (select entries.entry_id from entries)
),

final as (
    select * from wrong_legs
    union all
    select * from missing_legs
    union all
    select * from wrong_deposits
    union all
    select * from missing_newest
)

select * from final
