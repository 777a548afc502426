with scenes as (select * from {{ ref('stg_storyforge__scenes') }}),

segments as (select * from {{ ref('stg_storyforge__segments') }}),

views as (select * from {{ ref('stg_storyforge__scene_views') }}),

likes as (select * from {{ ref('stg_storyforge__likes') }}),

segments_counted as (
    select
        scene_id,
        count(*) as segments,
        count(*) filter (where status = 'active') as segments_active,
        sum(duration_seconds) as seconds,
        sum(duration_seconds) filter (where status = 'active') as seconds_active,
        count(distinct contributor_id) as people,
        count(distinct contributor_id) filter (where status = 'active') as people_active
    from segments
    group by 1
),

views_counted as (
    select
        scene_id,
        count(*) as views
    from views
    group by 1
),

likes_counted as (
    select
        target_id,
        count(*) as likes
    from likes
    where target_type = 'scene'
    group by 1
),

final as (
    select
        scenes.scene_id,
        coalesce(segments_counted.segments, 0) as segments,
        coalesce(segments_counted.segments_active, 0) as segments_active,
        coalesce(segments_counted.seconds, 0) as seconds,
        coalesce(segments_counted.seconds_active, 0) as seconds_active,
        coalesce(segments_counted.people, 0) as people,
        coalesce(segments_counted.people_active, 0) as people_active,
        coalesce(views_counted.views, 0) as views,
        coalesce(likes_counted.likes, 0) as likes
    from scenes
    left join segments_counted on scenes.scene_id = segments_counted.scene_id
    left join views_counted on scenes.scene_id = views_counted.scene_id
    left join likes_counted on scenes.scene_id = likes_counted.target_id
)

select * from final
