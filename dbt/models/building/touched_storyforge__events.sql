-- Likes are delivered whole, so that a load tells nothing of them: `touched_storyforge__likes` does.
with happened as (

    select
        'idea_created:' || idea_id as event_id,
        'idea' as target_type,
        idea_id as target_id,
        _load_id
    from {{ ref('stg_storyforge__ideas') }}
    union all
    select
        'scene_created:' || scene_id as event_id,
        'scene' as target_type,
        scene_id as target_id,
        _load_id
    from {{ ref('stg_storyforge__scenes') }}
    union all
    select
        'segment_added:' || segment_id as event_id,
        'scene' as target_type,
        scene_id as target_id,
        _load_id
    from {{ ref('stg_storyforge__segments') }}
    union all
    select
        'job_queued:' || job_id as event_id,
        'scene' as target_type,
        scene_id as target_id,
        _load_id
    from {{ ref('stg_storyforge__jobs') }}
    union all
    select
        'job_ended:' || job_id as event_id,
        'scene' as target_type,
        scene_id as target_id,
        _load_id
    from {{ ref('stg_storyforge__jobs') }}
    union all
    select
        'scene_viewed:' || view_id as event_id,
        'scene' as target_type,
        scene_id as target_id,
        _load_id
    from {{ ref('stg_storyforge__scene_views') }}
    union all
    select
        'flag_raised:' || flag_id as event_id,
        target_type,
        target_id,
        _load_id
    from {{ ref('stg_storyforge__moderation_flags') }}
    union all
    select
        'like_given:' || like_id as event_id,
        target_type,
        target_id,
        null::bigint as _load_id
    from {{ ref('stg_storyforge__likes') }}

)

select event_id
from happened
where
    {{ newly_loaded('storyforge') }}
    or (target_type, target_id) in (
        select
            targets.target_type,
            targets.target_id
        from {{ ref('touched_storyforge__targets') }} as targets
    )
union
select event_id
from {{ ref('touched_storyforge__likes') }}
