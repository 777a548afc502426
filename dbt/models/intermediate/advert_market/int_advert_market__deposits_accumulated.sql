with coins as (select * from {{ ref('int_advert_market__coins_moved') }}),

matched as (select * from {{ ref('int_advert_market__coins_matched') }}),

-- Deposits and fundings of unequal amounts: the price may come in parts, or more than the price at once.
running as (
    select
        coins.*,
        sum(coins.amount) over (
            partition by coins.side, coins.deal_id
            order by coins.moved_at, coins.line_id
        ) as running_amount
    from coins
    left join matched as chain on coins.side = 'chain' and coins.line_id = chain.tx_hash
    left join matched as ledger on coins.side = 'ledger' and coins.line_id = ledger.entry_id
    where
        coins.direction = 'IN'
        and coins.deal_id is not null
        and chain.tx_hash is null
        and ledger.entry_id is null
),

-- By itself, so that each funding looks at the deposits that are left alone: where it looked at all lines for them, a
-- million events without any deposit took 109 seconds.
chain as materialized (
    select * from running
    where side = 'chain'
),

-- A funding goes with the deposit that made it possible.
enabled as (
    select distinct on (ledger.line_id)
        ledger.line_id as entry_id,
        ledger.deal_id,
        ledger.amount,
        ledger.running_amount,
        chain.line_id as tx_hash
    from running as ledger
    inner join chain
        on ledger.deal_id = chain.deal_id and ledger.running_amount <= chain.running_amount
    where ledger.side = 'ledger'
    order by ledger.line_id, chain.running_amount, chain.line_id
),

numbered as (
    select
        *,
        row_number() over (partition by tx_hash order by running_amount, entry_id) as nth
    from enabled
),

booked as (
    select
        deal_id,
        sum(amount) as amount
    from enabled
    group by 1
),

final as (
    select
        deposits.line_id as tx_hash,
        numbered.entry_id,
        -- What the ledger knows of the coins, counted from the first deposit on.
        least(deposits.running_amount, coalesce(booked.amount, 0))
        - least(deposits.running_amount - deposits.amount, coalesce(booked.amount, 0)) as booked
    from running as deposits
    left join numbered on deposits.line_id = numbered.tx_hash and numbered.nth = 1
    left join booked on deposits.deal_id = booked.deal_id
    where deposits.side = 'chain'
    union all
    select
        null as tx_hash,
        entry_id,
        amount as booked
    from numbered
    where nth > 1
)

select * from final
