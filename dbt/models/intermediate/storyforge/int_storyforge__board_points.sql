with boards as (select * from {{ ref('int_storyforge__boards') }}),

events as (select * from {{ ref('int_storyforge__events_unpacked') }}),

users as (select * from {{ ref('stg_storyforge__users') }}),

entities as (
    select
        case event_type when 'idea_created' then 'idea' else 'scene' end as entity_type,
        subject_id as entity_id,
        occurred_at as happened_at
    from events
    where event_type in ('idea_created', 'scene_created')
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
        board,
        entity_id,
        1 as points,
        occurred_at as happened_at,
        'event' as cause_kind,
        event_id as cause_id
    from {{ ref('int_storyforge__contributors_joined') }}
    union all
    select
        'scene_view_sessions' as board,
        scene_id as entity_id,
        1 as points,
        started_at as happened_at,
        'event' as cause_kind,
        event_id as cause_id
    from {{ ref('int_storyforge__view_sessions_started') }}
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
