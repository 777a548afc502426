with prices as (select * from {{ ref('int_hermes__prices_published') }}),

markets as (select * from {{ ref('int_hermes__markets_listed') }}),

final as (
    select
        prices.market_id as contest_id,
        prices.outcome_id as option_id,
        prices.outcome_code as option_label,
        prices.version_no,
        prices.decimal_odds as odds,
        prices.created_at as effective_at,
        markets.lock_at,
        prices.is_current
    from prices
    left join markets on prices.market_id = markets.market_id
)

select * from final
