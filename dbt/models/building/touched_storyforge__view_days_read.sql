{%- set pause = var('e004_view_session_minutes') ~ " * interval '1 minute'" -%}
select distinct days_read.instant::date as day
from {{ ref('touched_storyforge__view_days') }} as days
cross join
    lateral generate_series(
        (days.day::timestamp - {{ pause }})::date::timestamp, days.day::timestamp, interval '1 day'
    ) as days_read (instant)
