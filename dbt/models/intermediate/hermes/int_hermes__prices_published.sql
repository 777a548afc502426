with versions as (select * from {{ ref('stg_hermes__odds_versions') }}),

outcomes as (select * from {{ ref('stg_hermes__outcomes') }}),

-- A version that prices an outcome twice breaks B-06; the lower price keeps one row of it.
prices as (
    select
        odds_version_id,
        outcome_id,
        min(decimal_odds) as decimal_odds,
        max(_load_id) as _load_id
    from {{ ref('stg_hermes__outcome_odds') }}
    group by 1, 2
),

final as (
    select
        prices.odds_version_id,
        prices.outcome_id,
        versions.market_id,
        outcomes.outcome_code,
        versions.version_no,
        prices.decimal_odds,
        versions.is_current,
        versions.created_at,
        prices._load_id
    from prices
    inner join versions on prices.odds_version_id = versions.odds_version_id
    left join outcomes on prices.outcome_id = outcomes.outcome_id
)

select * from final
