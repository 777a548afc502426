{{ config(meta={'scope': 'candidates', 'present': 'candidates.count > 0'}) }}

with daily as (

    select
        system,
        event_type,
        category_id,
        season_id,
        coalesce(actor_id, 'anonymous') as user_id,
        (occurred_at at time zone 'UTC')::date as day,
        sum(times) as events
    from {{ changes('fct_events') }} as events
    group by 1, 2, 3, 4, 5, 6

),

-- Category 0 is all of them; an event with a category counts once more under its own.
by_category as (

    select
        daily.*,
        categories.counted_as
    from daily
    cross join lateral (values ('0'), (nullif(daily.category_id, '0'))) as categories (counted_as)
    where categories.counted_as is not null

),

by_period as (

    select
        by_category.*,
        periods.period
    from by_category
    cross join
        lateral (
            values ('lifetime'), ('day:' || by_category.day::text), ('season:' || by_category.season_id)
        ) as periods (period)
    where periods.period is not null

),

counted as (

    select
        system,
        user_id,
        event_type,
        counted_as as category_id,
        period,
        sum(events)::bigint as count
    from by_period
    group by 1, 2, 3, 4, 5

)

{{ added_up('counted', ['system', 'user_id', 'event_type', 'category_id', 'period'], ['count']) }}
