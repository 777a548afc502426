with scenes as (select * from {{ ref('stg_storyforge__scenes') }}),

contributions as (select * from {{ ref('storyforge_contributions') }}),

views as (select * from {{ ref('storyforge_scene_views_daily') }}),

likes as (select * from {{ ref('leaderboard_scores') }}),

contributed as (
    select
        entity_id as scene_id,
        sum(segments) as segments,
        sum(segments_active) as segments_active,
        sum(seconds) as seconds,
        sum(seconds_active) as seconds_active,
        count(*) as people,
        count(*) filter (where segments_active > 0) as people_active
    from contributions
    where entity_type = 'scene'
    group by 1
),

viewed as (
    select
        scene_id,
        sum(views) as views
    from views
    group by 1
),

liked as (
    select
        entity_id as scene_id,
        {{ whole('points') }} as likes
    from likes
    where system = 'storyforge' and board = 'scene_likes' and period = 'lifetime'
),

final as (
    select
        scenes.scene_id,
        coalesce(contributed.segments, 0) as segments,
        coalesce(contributed.segments_active, 0) as segments_active,
        coalesce(contributed.seconds, 0) as seconds,
        coalesce(contributed.seconds_active, 0) as seconds_active,
        coalesce(contributed.people, 0) as people,
        coalesce(contributed.people_active, 0) as people_active,
        coalesce(viewed.views, 0) as views,
        coalesce(liked.likes, 0) as likes
    from scenes
    left join contributed on scenes.scene_id = contributed.scene_id
    left join viewed on scenes.scene_id = viewed.scene_id
    left join liked on scenes.scene_id = liked.scene_id
)

select * from final
