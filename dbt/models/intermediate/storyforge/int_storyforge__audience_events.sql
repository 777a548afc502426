with views as (select * from {{ ref('stg_storyforge__scene_views') }}),

likes as (select * from {{ ref('stg_storyforge__likes') }}),

flags as (select * from {{ ref('stg_storyforge__moderation_flags') }}),

targets as (select * from {{ ref('int_storyforge__targets_categorised') }}),

happened as (
    select
        'scene_viewed:' || view_id as event_id,
        viewer_id as actor_id,
        'scene_viewed' as event_type,
        'scene' as target_type,
        scene_id as target_id,
        viewed_at as occurred_at,
        null::{{ json_type() }} as payload,
        _load_id
    from views
    union all
    select
        'like_given:' || like_id as event_id,
        user_id as actor_id,
        'like_given' as event_type,
        target_type,
        target_id,
        liked_at as occurred_at,
        {{ json_object({'target_type': 'target_type'}) }} as payload,
        _load_id
    from likes
    union all
    select
        'flag_raised:' || flag_id as event_id,
        reporter_id as actor_id,
        'flag_raised' as event_type,
        target_type,
        target_id,
        raised_at as occurred_at,
        {{ json_object({'target_type': 'target_type', 'reason': 'reason'}) }} as payload,
        _load_id
    from flags
),

final as (
    select
        happened.event_id,
        happened.actor_id,
        happened.event_type,
        happened.target_id as subject_id,
        targets.category_id,
        happened.occurred_at,
        happened.payload,
        happened._load_id
    from happened
    left join targets
        on happened.target_type = targets.target_type and happened.target_id = targets.target_id
)

select * from final
