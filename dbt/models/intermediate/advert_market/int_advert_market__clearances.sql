with postings as (

    select
        tx_ref,
        unit,
        sum(amount) = 0 as is_balanced,
        count(*) filter (where account_kind = 'EXTERNAL_TON') as coin_legs
    from {{ ref('fct_ledger_entries') }}
    where system = 'advert_market'
    group by 1, 2

),

coins as (

    select
        tx_ref,
        count(*) as matched
    from {{ ref('advert_market_chain_matches') }}
    where tx_ref is not null and tx_hash is not null and classification <> 'pending'
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
