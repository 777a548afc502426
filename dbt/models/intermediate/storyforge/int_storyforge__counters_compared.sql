with scenes as (select * from {{ ref('stg_storyforge__scenes') }}),

recounts as (select * from {{ ref('int_storyforge__scenes_recounted') }}),

parents as (select * from {{ ref('int_storyforge__parents_recounted') }}),

views_delivered as (
    select exists(
        select 1 from recounts
        where views > 0
    ) as are_delivered
),

compared as (
    select
        'scene' as owner_type,
        scenes.scene_id as owner_id,
        counters.*
    from scenes
    inner join recounts on scenes.scene_id = recounts.scene_id
    cross join views_delivered
    cross join
        lateral (
            values
            ('like_count', 'likes', scenes.like_count, recounts.likes, recounts.likes),
            (
                'view_count', 'views', scenes.view_count,
                case when views_delivered.are_delivered then recounts.views end,
                case when views_delivered.are_delivered then recounts.views end
            ),
            ('segment_count', 'segments', scenes.segment_count, recounts.segments, recounts.segments_active),
            ('total_duration', 'seconds', scenes.total_seconds, recounts.seconds, recounts.seconds_active),
            ('contributor_count', 'people', scenes.contributor_count, recounts.people, recounts.people_active),
            -- The first version comes with the scene; each segment, hidden or removed later or not, wrote another.
            ('bible_version', 'versions', scenes.bible_version, 1 + recounts.segments, 1 + recounts.segments)
        ) as counters (counter, unit, recorded, of_all, of_active)
    union all
    select * from parents
),

final as (
    select
        owner_type,
        owner_id,
        counter,
        unit,
        {{ whole('recorded') }} as recorded,
        {{ whole('of_all') }} as of_all,
        {{ whole('of_active') }} as of_active
    from compared
)

select * from final
