with views as (select * from {{ ref('stg_storyforge__scene_views') }}),

views_in_order as (
    select
        view_id,
        scene_id,
        viewer_id,
        viewed_at,
        lag(viewed_at) over (partition by scene_id, viewer_id order by viewed_at, view_id) as viewed_before_at
    from views
),

final as (
    select
        view_id,
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
