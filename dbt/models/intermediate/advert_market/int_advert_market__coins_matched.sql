with coins as (
    select * from {{ ref('int_advert_market__coins_moved') }}
    where
        side = 'chain'
        or line_id not in (select reversed.entry_id from {{ ref('int_advert_market__coins_reversed') }} as reversed)
),

-- Of equal lines the first on the chain goes with the first in the ledger, and so on: no line is used twice.
by_purpose as (
    select
        *,
        row_number() over (
            partition by side, matched_within, direction, amount, purpose
            order by moved_at, line_id
        ) as nth
    from coins
    where purpose is not null
),

of_one_purpose as (
    select
        chain.line_id as tx_hash,
        ledger.line_id as entry_id,
        chain.amount as booked
    from by_purpose as chain
    inner join by_purpose as ledger
        on
            chain.matched_within = ledger.matched_within
            and chain.direction = ledger.direction
            and chain.amount = ledger.amount
            and chain.purpose = ledger.purpose
            and chain.nth = ledger.nth
    where chain.side = 'chain' and ledger.side = 'ledger'
),

by_amount as (
    select
        coins.*,
        row_number() over (
            partition by coins.side, coins.matched_within, coins.direction, coins.amount
            order by coins.moved_at, coins.line_id
        ) as nth
    from coins
    left join of_one_purpose as chain on coins.side = 'chain' and coins.line_id = chain.tx_hash
    left join of_one_purpose as ledger on coins.side = 'ledger' and coins.line_id = ledger.entry_id
    where chain.tx_hash is null and ledger.entry_id is null
),

final as (
    select * from of_one_purpose
    union all
    select
        chain.line_id as tx_hash,
        ledger.line_id as entry_id,
        chain.amount as booked
    from by_amount as chain
    inner join by_amount as ledger
        on
            chain.matched_within = ledger.matched_within
            and chain.direction = ledger.direction
            and chain.amount = ledger.amount
            and chain.nth = ledger.nth
    where chain.side = 'chain' and ledger.side = 'ledger'
)

select * from final
