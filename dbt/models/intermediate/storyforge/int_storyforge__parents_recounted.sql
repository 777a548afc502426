with ideas as (select * from {{ ref('stg_storyforge__ideas') }}),

topics as (select * from {{ ref('stg_storyforge__topics') }}),

scenes as (select * from {{ ref('stg_storyforge__scenes') }}),

likes as (select * from {{ ref('stg_storyforge__likes') }}),

idea_likes as (
    select
        target_id,
        count(*) as likes
    from likes
    where target_type = 'idea'
    group by 1
),

idea_scenes as (
    select
        idea_id,
        count(*) as scenes,
        count(*) filter (where status = 'active') as scenes_active
    from scenes
    group by 1
),

topic_scenes as (
    select
        topic_id,
        count(*) as scenes,
        count(*) filter (where status = 'active') as scenes_active
    from scenes
    group by 1
),

final as (
    select
        'idea' as owner_type,
        ideas.idea_id as owner_id,
        'like_count' as counter,
        'likes' as unit,
        ideas.like_count as recorded,
        coalesce(idea_likes.likes, 0) as of_all,
        coalesce(idea_likes.likes, 0) as of_active
    from ideas
    left join idea_likes on ideas.idea_id = idea_likes.target_id
    union all
    select
        'idea' as owner_type,
        ideas.idea_id as owner_id,
        'scene_count' as counter,
        'scenes' as unit,
        ideas.scene_count as recorded,
        coalesce(idea_scenes.scenes, 0) as of_all,
        coalesce(idea_scenes.scenes_active, 0) as of_active
    from ideas
    left join idea_scenes on ideas.idea_id = idea_scenes.idea_id
    union all
    select
        'topic' as owner_type,
        topics.topic_id as owner_id,
        'scene_count' as counter,
        'scenes' as unit,
        topics.scene_count as recorded,
        coalesce(topic_scenes.scenes, 0) as of_all,
        coalesce(topic_scenes.scenes_active, 0) as of_active
    from topics
    left join topic_scenes on topics.topic_id = topic_scenes.topic_id
)

select * from final
