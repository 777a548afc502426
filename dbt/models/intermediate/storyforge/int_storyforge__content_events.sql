with ideas as (
    select * from {{ ref('stg_storyforge__ideas') }}
    where {{ touched('storyforge', 'events', "'idea_created:' || idea_id", 'event_id') }}
),

scenes as (
    select * from {{ ref('stg_storyforge__scenes') }}
    where {{ touched('storyforge', 'events', "'scene_created:' || scene_id", 'event_id') }}
),

segments as (
    select * from {{ ref('stg_storyforge__segments') }}
    where {{ touched('storyforge', 'events', "'segment_added:' || segment_id", 'event_id') }}
),

scenes_placed as (
    select * from {{ ref('int_storyforge__targets') }}
    where target_type = 'scene'
),

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
        scenes_placed.category_id,
        scenes.opened_at as occurred_at,
        {{ json_object({'idea_id': 'scenes.idea_id', 'topic_id': 'scenes.topic_id', 'status': 'scenes.status'}) }}
            as payload,
        scenes._load_id
    from scenes
    left join scenes_placed on scenes.scene_id = scenes_placed.target_id
    union all
    select
        'segment_added:' || segments.segment_id as event_id,
        segments.contributor_id as actor_id,
        'segment_added' as event_type,
        segments.segment_id as subject_id,
        scenes_placed.category_id,
        segments.added_at as occurred_at,
        {{ json_object({
            'scene_id': 'segments.scene_id',
            'creator_id': 'scenes_placed.owner_id',
            'sequence': 'segments.sequence',
            'duration_seconds': 'segments.duration_seconds',
            'status': 'segments.status',
        }) }} as payload,
        segments._load_id
    from segments
    left join scenes_placed on segments.scene_id = scenes_placed.target_id
)

select * from final
