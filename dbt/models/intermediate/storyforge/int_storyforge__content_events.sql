with ideas as (select * from {{ ref('stg_storyforge__ideas') }}),

scenes as (select * from {{ ref('stg_storyforge__scenes') }}),

segments as (select * from {{ ref('stg_storyforge__segments') }}),

targets as (select * from {{ ref('int_storyforge__targets_categorised') }}),

final as (
    select
        'idea_created:' || idea_id as event_id,
        author_id as actor_id,
        'idea_created' as event_type,
        idea_id as subject_id,
        category_id,
        posted_at as occurred_at,
        {{ json_object({'topic_id': 'topic_id', 'status': 'status'}) }} as payload,
        _load_id
    from ideas
    union all
    select
        'scene_created:' || scenes.scene_id as event_id,
        scenes.creator_id as actor_id,
        'scene_created' as event_type,
        scenes.scene_id as subject_id,
        targets.category_id,
        scenes.opened_at as occurred_at,
        {{ json_object({'idea_id': 'scenes.idea_id', 'topic_id': 'scenes.topic_id', 'status': 'scenes.status'}) }}
            as payload,
        scenes._load_id
    from scenes
    left join targets on targets.target_type = 'scene' and scenes.scene_id = targets.target_id
    union all
    select
        'segment_added:' || segments.segment_id as event_id,
        segments.contributor_id as actor_id,
        'segment_added' as event_type,
        segments.segment_id as subject_id,
        targets.category_id,
        segments.added_at as occurred_at,
        {{ json_object({
            'scene_id': 'segments.scene_id',
            'sequence': 'segments.sequence',
            'duration_seconds': 'segments.duration_seconds',
            'status': 'segments.status',
        }) }} as payload,
        segments._load_id
    from segments
    left join targets on targets.target_type = 'scene' and segments.scene_id = targets.target_id
)

select * from final
