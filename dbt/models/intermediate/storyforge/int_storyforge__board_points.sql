-- Of these three come only entrances, which `touched_storyforge__entities` tells of.
{{ config(meta={'follows': ['ideas', 'scenes', 'users']}) }}

with boards as (select * from {{ ref('int_storyforge__boards') }}),

ideas as (select * from {{ ref('stg_storyforge__ideas') }}),

scenes as (select * from {{ ref('stg_storyforge__scenes') }}),

users as (select * from {{ ref('stg_storyforge__users') }}),

entities as (
    select
        'idea' as entity_type,
        idea_id as entity_id,
        posted_at as happened_at
    from ideas
    union all
    select
        'scene' as entity_type,
        scene_id as entity_id,
        opened_at as happened_at
    from scenes
    union all
    select
        'user' as entity_type,
        user_id as entity_id,
        joined_at as happened_at
    from users
),

points as (
    select
        boards.board,
        entities.entity_id,
        0 as points,
        entities.happened_at,
        'entity' as cause_kind,
        entities.entity_id as cause_id
    from entities
    inner join boards on entities.entity_type = boards.entity_type
    union all
    select
        board,
        entity_id,
        points,
        occurred_at as happened_at,
        'event' as cause_kind,
        event_id as cause_id
    from {{ ref('int_storyforge__scores_moved') }}
    union all
    select
        entity_type || '_contributors' as board,
        entity_id,
        1 as points,
        first_added_at as happened_at,
        'event' as cause_kind,
        first_event_id as cause_id
    from {{ ref('storyforge_contributions') }}
    union all
    select
        'scene_view_sessions' as board,
        scene_id as entity_id,
        1 as points,
        started_at as happened_at,
        'event' as cause_kind,
        event_id as cause_id
    from {{ ref('storyforge_view_sessions') }}
),

final as (
    select
        board,
        'lifetime' as period,
        entity_id,
        {{ decimal('points') }} as points,
        {{ whole('null') }} as weight,
        {{ decimal('null') }} as tiebreak,
        happened_at,
        cause_kind,
        cause_id
    from points
)

select * from final
