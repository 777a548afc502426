with ideas as (select * from {{ ref('stg_storyforge__ideas') }}),

scenes as (select * from {{ ref('stg_storyforge__scenes') }}),

segments as (select * from {{ ref('stg_storyforge__segments') }}),

scenes_placed as (
    select
        scenes.scene_id,
        scenes.creator_id,
        ideas.category_id
    from scenes
    left join ideas on scenes.idea_id = ideas.idea_id
),

final as (
    select
        'idea' as target_type,
        idea_id as target_id,
        author_id as owner_id,
        category_id
    from ideas
    union all
    select
        'scene' as target_type,
        scene_id as target_id,
        creator_id as owner_id,
        category_id
    from scenes_placed
    union all
    select
        'segment' as target_type,
        segments.segment_id as target_id,
        segments.contributor_id as owner_id,
        scenes_placed.category_id
    from segments
    inner join scenes_placed on segments.scene_id = scenes_placed.scene_id
)

select * from final
