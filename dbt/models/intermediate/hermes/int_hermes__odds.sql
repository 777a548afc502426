with prices as (select * from {{ ref('int_hermes__prices_published') }}),

final as (
    select
        market_id as contest_id,
        outcome_id as option_id,
        outcome_code as option_label,
        version_no,
        decimal_odds as odds,
        created_at as effective_at,
        is_current
    from prices
)

select * from final
