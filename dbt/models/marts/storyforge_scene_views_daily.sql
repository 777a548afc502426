with events as (select * from {{ ref('int_storyforge__events_unpacked') }}),

sessions as (select * from {{ ref('int_storyforge__view_sessions_started') }}),

views as (
    select
        events.subject_id as scene_id,
        (events.occurred_at at time zone 'UTC')::date as day,
        events.actor_id as viewer_id,
        sessions.event_id is not null as begins_session
    from events
    left join sessions on events.event_id = sessions.event_id
    where events.event_type = 'scene_viewed'
)

select
    'storyforge'::text as system,
    scene_id,
    day,
    count(*) as views,
    count(*) filter (where begins_session) as sessions,
    count(distinct viewer_id) as viewers,
    count(*) filter (where viewer_id is null) as anonymous_views
from views
where {{ is_open("'storyforge'") }}
group by 1, 2, 3
