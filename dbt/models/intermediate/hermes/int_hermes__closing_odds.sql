with prices as (
    select * from {{ ref('fct_odds') }}
    where system = 'hermes'
),

markets as (select * from {{ ref('int_hermes__markets_listed') }}),

final as (
    select distinct on (prices.contest_id, prices.option_id)
        prices.contest_id,
        prices.option_id,
        prices.version_no,
        prices.odds,
        markets.lock_at
    from prices
    inner join markets on prices.contest_id = markets.market_id
    -- What holds from the lock on is no price that anybody could still take, as late as a pick at that instant.
    where not {{ hermes_is_late('prices.effective_at', 'markets.lock_at') }}
    order by prices.contest_id asc, prices.option_id asc, prices.version_no desc
)

select * from final
