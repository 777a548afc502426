{{ config(meta={'follows': ['ton_transactions', 'deals', 'deal_events']}) }}

with coins as (select * from {{ ref('int_advert_market__coins_moved') }}),

matches as (
    select * from {{ ref('int_advert_market__coins_matched') }}
    union all
    select * from {{ ref('int_advert_market__deposits_accumulated') }}
),

reversed as (select * from {{ ref('int_advert_market__coins_reversed') }}),

under_way as (
    select distinct
        coalesce(deal_id, 'treasury') as matched_within,
        direction,
        amount
    from {{ ref('stg_advert_market__ton_transactions') }}
    where coins = 'under way'
),

on_chain as (
    select * from coins
    where side = 'chain'
),

in_ledger as (
    select * from coins
    where side = 'ledger'
),

paired as (
    select
        coalesce(on_chain.matched_within, in_ledger.matched_within) as matched_within,
        coalesce(on_chain.deal_id, in_ledger.deal_id) as deal_id,
        coalesce(on_chain.direction, in_ledger.direction) as direction,
        coalesce(on_chain.purpose, in_ledger.purpose) as purpose,
        coalesce(on_chain.unit, in_ledger.unit) as unit,
        on_chain.line_id as tx_hash,
        in_ledger.line_id as entry_id,
        in_ledger.tx_ref,
        on_chain.amount as chain_amount,
        in_ledger.amount as ledger_amount,
        matches.booked,
        on_chain.moved_at as seen_at,
        in_ledger.moved_at as posted_at,
        in_ledger.line_id in (select reversed.entry_id from reversed) as is_reversed,
        -- It is matched, and another posting stands beside the transaction.
        on_chain.line_id is null and matches.entry_id is not null as is_of_another
    from on_chain
    full join matches on on_chain.line_id = matches.tx_hash
    full join in_ledger on matches.entry_id = in_ledger.line_id
),

final as (
    select
        coalesce('chain:' || paired.tx_hash, 'ledger:' || paired.entry_id) as match_id,
        paired.matched_within,
        paired.deal_id,
        paired.direction,
        paired.purpose,
        paired.tx_hash,
        paired.entry_id,
        paired.tx_ref,
        paired.unit,
        paired.chain_amount,
        paired.ledger_amount,
        case
            when paired.is_reversed or paired.is_of_another then 0
            when paired.tx_hash is null then -paired.ledger_amount
            else paired.chain_amount - coalesce(paired.booked, 0)
        end as difference,
        -- A deposit is of the class of the deal's deposits, unless the ledger disagrees with it.
        case
            when paired.is_reversed then 'reversed'
            when paired.is_of_another then 'same deposit'
            when paired.tx_hash is null and under_way.direction is not null then 'pending'
            when paired.tx_hash is null then 'unmatched ledger'
            when deposits.classification = 'late deposit' then 'late deposit'
            -- All of the price is there and nothing of this deposit was posted.
            when
                paired.entry_id is null and paired.booked = 0
                and deposits.received >= deposits.price and deposits.excess < deposits.amount
                then 'unmatched chain'
            when paired.entry_id is not null and paired.booked < paired.chain_amount then 'over'
            when deposits.classification is not null then deposits.classification
            when paired.entry_id is null then 'unmatched chain'
            else 'exact'
        end as classification,
        paired.seen_at,
        paired.posted_at
    from paired
    left join {{ ref('int_advert_market__deposits_classified') }} as deposits on paired.tx_hash = deposits.tx_hash
    left join under_way
        on
            paired.tx_hash is null and paired.matched_within = under_way.matched_within
            and paired.direction = under_way.direction and paired.ledger_amount = under_way.amount
)

select * from final
