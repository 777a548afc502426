with scenes as (select * from {{ ref('stg_storyforge__scenes') }}),

events as (select * from {{ ref('int_storyforge__events_unpacked') }}),

segments_counted as (
    select
        scene_id,
        count(*) as segments,
        count(*) filter (where status = 'active') as segments_active,
        sum(duration_seconds) as seconds,
        sum(duration_seconds) filter (where status = 'active') as seconds_active,
        count(distinct actor_id) as people,
        count(distinct actor_id) filter (where status = 'active') as people_active
    from events
    where event_type = 'segment_added'
    group by 1
),

audience_counted as (
    select
        subject_id as scene_id,
        count(*) filter (where event_type = 'scene_viewed') as views,
        count(*) filter (where event_type = 'like_given') as likes
    from events
    where event_type = 'scene_viewed' or (event_type = 'like_given' and target_type = 'scene')
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
        coalesce(audience_counted.views, 0) as views,
        coalesce(audience_counted.likes, 0) as likes
    from scenes
    left join segments_counted on scenes.scene_id = segments_counted.scene_id
    left join audience_counted on scenes.scene_id = audience_counted.scene_id
)

select * from final
