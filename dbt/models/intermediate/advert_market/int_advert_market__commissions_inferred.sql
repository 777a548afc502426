with contests as (
    select *
    from {{ ref('int_advert_market__contests_decided') }}
    where outcome in ('released', 'partially_refunded')
),

rates as (
    select
        rate_bp,
        position
    from unnest(array[{{ var('c002_rates_bp') | join(', ') }}]) with ordinality as listed (rate_bp, position)
),

candidates as (
    select
        contests.contest_id,
        contests.commission,
        contests.is_recorded,
        rates.rate_bp,
        rates.position,
        -- Rounded down; nothing is taken of what went back to the advertiser.
        div((contests.stakes - contests.refunds) * rates.rate_bp, 10000) as commission_by_rule
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
