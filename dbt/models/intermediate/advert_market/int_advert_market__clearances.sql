with postings as (

    select
        entries.tx_ref,
        entries.unit,
        sum(entries.amount) = 0 as is_balanced,
        count(*) filter (where entries.account_kind = 'EXTERNAL_TON') as coin_legs
    from {{ ref('fct_ledger_entries') }} as entries
    where entries.system = 'advert_market' and {{ in_scope(['system', 'tx_ref'], 'touched_trust_postings', 'entries') }}
    group by 1, 2

),

coins as (

    select
        matches.tx_ref,
        count(*) as matched
    from {{ ref('advert_market_chain_matches') }} as matches
    where
        matches.tx_ref is not null
        and (matches.tx_hash is not null or matches.difference = 0)
        and {{ in_scope(['system', 'tx_ref'], 'touched_trust_postings', 'matches') }}
    group by 1

),

final as (

    select
        postings.tx_ref,
        postings.unit,
        postings.is_balanced and coalesce(coins.matched, 0) >= postings.coin_legs as is_cleared
    from postings
    left join coins on postings.tx_ref = coins.tx_ref

)

select * from final
