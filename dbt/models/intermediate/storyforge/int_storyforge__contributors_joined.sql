with events as (select * from {{ ref('int_storyforge__events_unpacked') }}),

creators as (
    select
        subject_id as scene_id,
        actor_id as creator_id
    from events
    where event_type = 'scene_created'
),

contributions as (
    select
        'scene_contributors' as board,
        scene_id as entity_id,
        actor_id as contributor_id,
        occurred_at,
        event_id
    from events
    where event_type = 'segment_added'
    union all
    select
        'creator_contributors' as board,
        creators.creator_id as entity_id,
        events.actor_id as contributor_id,
        events.occurred_at,
        events.event_id
    from events
    inner join creators on events.scene_id = creators.scene_id
    where events.event_type = 'segment_added' and events.actor_id <> creators.creator_id
),

final as (
    select distinct on (board, entity_id, contributor_id)
        board,
        entity_id,
        contributor_id,
        occurred_at,
        event_id
    from contributions
    order by board, entity_id, contributor_id, occurred_at, event_id
)

select * from final
