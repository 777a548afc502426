{%- set pause = var('e004_view_session_minutes') ~ " * interval '1 minute'" -%}
-- A late view takes the session from one that followed within the pause, be it after midnight.
select distinct
    events.system,
    (moments.moment at time zone 'UTC')::date as day
from {{ changes('fct_events', of_whole_systems=false) }} as events
cross join lateral (values (events.occurred_at), (events.occurred_at + {{ pause }})) as moments (moment)
where events.system = 'storyforge' and events.event_type = 'scene_viewed'
