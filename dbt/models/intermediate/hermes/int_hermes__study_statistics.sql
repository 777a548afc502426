with measures as (select * from {{ ref('int_hermes__study_measures') }}),

-- Every measure counts in its own cell, and in those of all languages, of all platforms, and of both.
cells as (
    select
        measures.experiment_variant,
        locales.locale_code,
        platforms.device_platform,
        measures.metric,
        measures.measure
    from measures
    cross join lateral (values (measures.locale_code), ('all')) as locales (locale_code)
    cross join lateral (values (measures.device_platform), ('all')) as platforms (device_platform)
),

ordered as (
    select
        *,
        row_number() over (
            partition by experiment_variant, locale_code, device_platform, metric order by measure
        ) as place,
        count(*) over (partition by experiment_variant, locale_code, device_platform, metric) as n
    from cells
),

final as (
    select
        experiment_variant,
        locale_code,
        device_platform,
        metric,
        'mean' as statistic,
        n,
        sum(measure) as numerator,
        {{ whole('n') }} as denominator
    from ordered
    group by 1, 2, 3, 4, n

    union all

    -- The middle one of an odd number, the mean of the middle two of an even one.
    select
        experiment_variant,
        locale_code,
        device_platform,
        metric,
        'median' as statistic,
        n,
        sum(measure) as numerator,
        {{ whole('count(*)') }} as denominator
    from ordered
    where metric in ('decision_latency_ms', 'decision_latency_by_countdown_ms') and 2 * place in (n, n + 1, n + 2)
    group by 1, 2, 3, 4, n
)

select * from final
