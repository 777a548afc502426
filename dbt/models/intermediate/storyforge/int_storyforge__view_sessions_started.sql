with events as (select * from {{ ref('int_storyforge__events_unpacked') }}),

views_in_order as (
    select
        event_id,
        subject_id as scene_id,
        actor_id as viewer_id,
        occurred_at as viewed_at,
        lag(occurred_at) over (partition by subject_id, actor_id order by occurred_at, event_id) as viewed_before_at
    from events
    where event_type = 'scene_viewed'
),

final as (
    select
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

select * from final
