with events as (select * from {{ ref('fct_events') }}),

final as (
    select
        event_id,
        event_type,
        actor_id,
        subject_id,
        payload ->> 'idea_id' as idea_id,
        payload ->> 'topic_id' as topic_id,
        payload ->> 'scene_id' as scene_id,
        payload ->> 'creator_id' as creator_id,
        payload ->> 'target_type' as target_type,
        payload ->> 'owner_id' as owner_id,
        payload ->> 'status' as status,
        (payload ->> 'duration_seconds')::bigint as duration_seconds,
        occurred_at
    from events
    where system = 'storyforge'
)

select * from final
