with contests as (
    select
        *,
        stakes - refund_due as owner_gross
    from {{ ref('int_advert_market__contests_decided') }}
    where
        outcome = 'released'
        or (outcome = 'partially_refunded' and '{{ var('c002_partial_refund_commission') }}' = 'owner_share')
),

rates as (
    select
        rate_bp,
        position
    from (
        values
        {% for rate in var('c002_rates_bp') -%}
            ({{ rate }}, {{ loop.index }}){{ "," if not loop.last }}
        {% endfor -%}
    ) as listed (rate_bp, position)
),

candidates as (
    select
        contests.contest_id,
        contests.commission,
        contests.is_recorded,
        rates.rate_bp,
        rates.position,
        -- Rounded down, the owner keeps the rest; nothing is taken of what goes back to the advertiser.
        {{ whole_division('contests.owner_gross * rates.rate_bp', 10000) }} as commission_by_rule
    from contests
    cross join rates
),

ranked as (
    select
        *,
        row_number() over (
            partition by contest_id
            order by case when is_recorded then abs(commission_by_rule - commission) end, position
        ) as nearness
    from candidates
),

final as (
    select
        contest_id,
        rate_bp,
        commission_by_rule
    from ranked
    where nearness = 1
)

select * from final
