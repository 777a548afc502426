with ideas as (select * from {{ ref('stg_storyforge__ideas') }}),

topics as (select * from {{ ref('stg_storyforge__topics') }}),

scenes as (select * from {{ ref('stg_storyforge__scenes') }}),

scores as (select * from {{ ref('leaderboard_scores') }}),

idea_likes as (
    select
        entity_id as idea_id,
        {{ whole('points') }} as likes
    from scores
    where system = 'storyforge' and board = 'idea_likes' and period = 'lifetime'
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
        counters.*
    from ideas
    left join idea_likes on ideas.idea_id = idea_likes.idea_id
    left join idea_scenes on ideas.idea_id = idea_scenes.idea_id
    cross join
        lateral (
            values
            ('like_count', 'likes', ideas.like_count, coalesce(idea_likes.likes, 0), coalesce(idea_likes.likes, 0)),
            (
                'scene_count',
                'scenes',
                ideas.scene_count,
                coalesce(idea_scenes.scenes, 0),
                coalesce(idea_scenes.scenes_active, 0)
            ),
            ('view_count', 'views', ideas.view_count, null, null)
        ) as counters (counter, unit, recorded, of_all, of_active)
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
