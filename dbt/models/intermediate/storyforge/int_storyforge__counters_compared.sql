with scenes as (select * from {{ ref('stg_storyforge__scenes') }}),

recounts as (select * from {{ ref('int_storyforge__scenes_recounted') }}),

views as (select * from {{ ref('stg_storyforge__scene_views') }}),

parents as (select * from {{ ref('int_storyforge__parents_recounted') }}),

scene_counters as (
    select
        'scene' as owner_type,
        scenes.scene_id as owner_id,
        counters.*
    from scenes
    inner join recounts on scenes.scene_id = recounts.scene_id
    cross join lateral (
        values
        ('like_count', 'likes', scenes.like_count, recounts.likes, recounts.likes),
        ('view_count', 'views', scenes.view_count, recounts.views, recounts.views),
        ('segment_count', 'segments', scenes.segment_count, recounts.segments, recounts.segments_active),
        ('total_duration', 'seconds', scenes.total_seconds, recounts.seconds, recounts.seconds_active),
        ('contributor_count', 'people', scenes.contributor_count, recounts.people, recounts.people_active)
    ) as counters (counter, unit, recorded, of_all, of_active)
),

-- The source may hold no views at all, and may never have set the number of contributors.
counters_kept as (
    select *
    from scene_counters
    where
        (counter <> 'view_count' or recorded < 0 or exists (select 1 from views))
        and (counter <> 'contributor_count' or recorded <> 0)
),

final as (
    select
        owner_type,
        owner_id,
        counter,
        unit,
        recorded::numeric as recorded,
        of_all::numeric as of_all,
        of_active::numeric as of_active
    from counters_kept
    union all
    select
        owner_type,
        owner_id,
        counter,
        unit,
        recorded::numeric as recorded,
        of_all::numeric as of_all,
        of_active::numeric as of_active
    from parents
)

select * from final
