with views as (
    select * from {{ ref('stg_storyforge__scene_views') }}
    where {{ touched('storyforge', 'events', "'scene_viewed:' || view_id", 'event_id') }}
),

likes as (
    select * from {{ ref('stg_storyforge__likes') }}
    where {{ touched('storyforge', 'events', "'like_given:' || like_id", 'event_id') }}
),

flags as (
    select * from {{ ref('stg_storyforge__moderation_flags') }}
    where {{ touched('storyforge', 'events', "'flag_raised:' || flag_id", 'event_id') }}
),

targets as (select * from {{ ref('int_storyforge__targets') }}),

happened as (
    select
        'scene_viewed:' || view_id as event_id,
        viewer_id as actor_id,
        'scene_viewed' as event_type,
        'scene' as target_type,
        scene_id as target_id,
        viewed_at as occurred_at,
        null as reason,
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
        null as reason,
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
        reason,
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
        case happened.event_type
            when 'like_given'
                then {{ json_object({'target_type': 'happened.target_type', 'owner_id': 'targets.owner_id'}) }}
            when 'flag_raised'
                then {{ json_object({'target_type': 'happened.target_type', 'reason': 'happened.reason'}) }}
        end as payload,
        happened._load_id
    from happened
    left join targets
        on happened.target_type = targets.target_type and happened.target_id = targets.target_id
)

select * from final
