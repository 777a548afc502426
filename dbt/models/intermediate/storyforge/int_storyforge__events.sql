{{ config(meta={'follows': [
    'ideas', 'scenes', 'segments', 'jobs', 'scene_views', 'likes', 'moderation_flags',
]}) }}

with content_events as (select * from {{ ref('int_storyforge__content_events') }}),

job_events as (select * from {{ ref('int_storyforge__job_events') }}),

audience_events as (select * from {{ ref('int_storyforge__audience_events') }}),

happened as (
    select * from content_events
    union all
    select * from job_events
    union all
    select * from audience_events
),

final as (
    select
        event_id,
        actor_id,
        event_type,
        subject_id,
        category_id,
        null::text as season_id,
        occurred_at,
        payload,
        _load_id
    from happened
)

select * from final
