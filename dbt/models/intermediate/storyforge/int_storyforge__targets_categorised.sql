with ideas as (select * from {{ ref('stg_storyforge__ideas') }}),

scenes as (select * from {{ ref('stg_storyforge__scenes') }}),

segments as (select * from {{ ref('stg_storyforge__segments') }}),

scenes_categorised as (
    select
        scenes.scene_id,
        ideas.category_id
    from scenes
    inner join ideas on scenes.idea_id = ideas.idea_id
),

final as (
    select
        'idea' as target_type,
        idea_id as target_id,
        category_id
    from ideas
    union all
    select
        'scene' as target_type,
        scene_id as target_id,
        category_id
    from scenes_categorised
    union all
    select
        'segment' as target_type,
        segments.segment_id as target_id,
        scenes_categorised.category_id
    from segments
    inner join scenes_categorised on segments.scene_id = scenes_categorised.scene_id
)

select * from final
