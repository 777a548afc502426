with scenes as (select * from {{ ref('stg_storyforge__scenes') }}),

recounts as (select * from {{ ref('int_storyforge__scenes_recounted') }}),

parents as (select * from {{ ref('int_storyforge__parents_recounted') }}),

-- No row of a table that was never delivered is not the same as none.
delivered as (
    select
        exists(select 1 from {{ ref('stg_storyforge__likes') }}) as has_likes,
        exists(select 1 from {{ ref('stg_storyforge__segments') }}) as has_segments,
        exists(select 1 from scenes) as has_scenes,
        exists(
            select 1 from recounts
            where views > 0
        ) as has_views
),

compared as (
    select
        'scene' as owner_type,
        scenes.scene_id as owner_id,
        counters.*
    from scenes
    inner join recounts on scenes.scene_id = recounts.scene_id
    cross join
        lateral (
            values
            ('like_count', 'likes', scenes.like_count, recounts.likes, recounts.likes),
            ('view_count', 'views', scenes.view_count, recounts.views, recounts.views),
            ('segment_count', 'segments', scenes.segment_count, recounts.segments, recounts.segments_active),
            ('total_duration', 'seconds', scenes.total_seconds, recounts.seconds, recounts.seconds_active),
            ('contributor_count', 'people', scenes.contributor_count, recounts.people, recounts.people_active),
            -- The first version comes with the scene; each segment, hidden or removed later or not, wrote another.
            ('bible_version', 'versions', scenes.bible_version, 1 + recounts.segments, 1 + recounts.segments)
        ) as counters (counter, unit, recorded, of_all, of_active)
    union all
    select * from parents
),

recountable as (
    select
        compared.*,
        case compared.counter
            when 'like_count' then delivered.has_likes
            when 'view_count' then delivered.has_views
            when 'scene_count' then delivered.has_scenes
            else delivered.has_segments
        end as is_recountable
    from compared
    cross join delivered
),

final as (
    select
        owner_type,
        owner_id,
        counter,
        unit,
        {{ whole('recorded') }} as recorded,
        case when is_recountable then {{ whole('of_all') }} end as of_all,
        case when is_recountable then {{ whole('of_active') }} end as of_active
    from recountable
)

select * from final
