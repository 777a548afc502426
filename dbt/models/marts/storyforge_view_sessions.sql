{{ config(
    indexes=[{'columns': ['started_at']}],
    meta={'scope': {'columns': ['system', 'day'], 'keys': 'touched_storyforge__view_days'}}
) }}

with events as (select * from {{ ref('int_storyforge__events_unpacked') }}),

views_in_order as (

    select
        event_id,
        subject_id as scene_id,
        actor_id as viewer_id,
        occurred_at as viewed_at,
        lag(occurred_at) over (partition by subject_id, actor_id order by occurred_at, event_id) as viewed_before_at
    from events
    where event_type = 'scene_viewed' and {{ in_days('occurred_at', 'touched_storyforge__view_days_read') }}

),

sessions as (

    select
        'storyforge'::text as system,
        (viewed_at at time zone 'UTC')::date as day,
        event_id,
        scene_id,
        viewer_id,
        viewed_at as started_at
    from views_in_order
    where
        -- Without the hashed address nobody can tell anonymous viewers apart: each such view is a session.
        viewer_id is null
        or viewed_before_at is null
        or viewed_at - viewed_before_at > {{ var('e004_view_session_minutes') }} * interval '1 minute'

)

select
    sessions.system,
    sessions.event_id,
    sessions.scene_id,
    sessions.viewer_id,
    sessions.started_at,
    sessions.day
from sessions
where
    {{ is_open("'storyforge'") }}
    and {{ in_scope(['system', 'day'], 'touched_storyforge__view_days', 'sessions') }}
