with ideas as (

    select
        ideas.*,
        {{ newly_loaded('storyforge', 'ideas._load_id') }} as is_new
    from {{ ref('stg_storyforge__ideas') }} as ideas

),

scenes as (

    select
        scenes.*,
        {{ newly_loaded('storyforge', 'scenes._load_id') }} as is_new
    from {{ ref('stg_storyforge__scenes') }} as scenes

),

-- Whatever somebody looked at is delivered again with another number of views: most of it belongs where it did.
arrived as (

    select
        'idea' as target_type,
        idea_id as target_id,
        author_id as owner_id,
        category_id
    from ideas
    where is_new
    union all
    select
        'scene' as target_type,
        scenes.scene_id as target_id,
        scenes.creator_id as owner_id,
        ideas.category_id
    from scenes
    left join ideas on scenes.idea_id = ideas.idea_id
    where scenes.is_new or ideas.is_new

),

moved as (

    select
        arrived.target_type,
        arrived.target_id
    from arrived
    left join {{ published('fct_events') }} as told
        on
            told.system = 'storyforge'
            and arrived.target_type || '_created:' || arrived.target_id = told.event_id
    where
        told.event_id is null
        or arrived.owner_id is distinct from told.actor_id
        or arrived.category_id is distinct from told.category_id

)

select
    target_type,
    target_id
from moved
union all
select
    'segment' as target_type,
    segment_id as target_id
from {{ ref('stg_storyforge__segments') }}
where
    {{ newly_loaded('storyforge') }}
    or scene_id in (
        select moved.target_id
        from moved
        where moved.target_type = 'scene'
    )
