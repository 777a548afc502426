with events as (select * from {{ ref('int_storyforge__events_unpacked') }}),

final as (
    select
        moved.board,
        moved.entity_id,
        moved.points,
        events.occurred_at,
        events.event_id
    from events
    cross join
        lateral (
            values
            ('like_given', 'idea_likes', case when events.target_type = 'idea' then events.subject_id end, 1),
            ('like_given', 'scene_likes', case when events.target_type = 'scene' then events.subject_id end, 1),
            (
                'like_given',
                'creator_likes',
                case when events.target_type in ('idea', 'scene') then events.owner_id end,
                1
            ),
            ('scene_created', 'idea_scenes', events.idea_id, 1),
            ('segment_added', 'scene_segments', events.scene_id, 1),
            ('segment_added', 'scene_seconds', events.scene_id, events.duration_seconds),
            ('segment_added', 'creator_segments', events.actor_id, 1),
            ('segment_added', 'creator_seconds', events.actor_id, events.duration_seconds)
        ) as moved (event_type, board, entity_id, points)
    where events.event_type = moved.event_type and moved.entity_id is not null
)

select * from final
