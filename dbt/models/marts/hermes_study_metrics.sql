with statistics as (
    select
        *,
        {{ decimal_ratio('numerator', 'denominator', 4) }} as statistic_value
    from {{ ref('int_hermes__study_statistics') }}
),

controls as (
    select * from statistics
    where experiment_variant = 'control'
)

select
    'hermes'::text as system,
    statistics.experiment_variant,
    statistics.locale_code,
    statistics.device_platform,
    statistics.metric,
    statistics.statistic,
    statistics.n,
    statistics.numerator,
    statistics.denominator,
    statistics.statistic_value as value,
    statistics.statistic_value - controls.statistic_value as difference_from_control
from statistics
left join controls
    on
        statistics.locale_code = controls.locale_code
        and statistics.device_platform = controls.device_platform
        and statistics.metric = controls.metric
        and statistics.statistic = controls.statistic
where {{ is_open("'hermes'") }}
