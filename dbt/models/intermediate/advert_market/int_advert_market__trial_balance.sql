with movements as (select * from {{ ref('advert_market_movements_daily') }}),

kinds as (
    select
        account_kind,
        unit,
        min(day) as first_day
    from movements
    group by 1, 2
),

days as (select distinct day from movements),

-- A kind that did not move keeps its balance, so that every day's balances are complete.
complete as (
    select
        days.day,
        kinds.account_kind,
        kinds.unit,
        coalesce(movements.debits, 0) as debits,
        coalesce(movements.credits, 0) as credits
    from kinds
    inner join days on kinds.first_day <= days.day
    left join movements
        on kinds.account_kind = movements.account_kind and kinds.unit = movements.unit and days.day = movements.day
),

final as (
    select
        day,
        account_kind,
        unit,
        debits,
        credits,
        sum(credits - debits) over (partition by account_kind, unit order by day) as closing
    from complete
)

select * from final
