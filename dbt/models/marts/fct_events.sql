{{ config(
    indexes=[{'columns': ['system', 'occurred_at']}, {'columns': ['system', 'actor_id', 'occurred_at']}],
    meta={'scope': {'columns': ['system', 'event_id'], 'keys': 'touched_events'}, 'archived_by': 'occurred_at'}
) }}

with events as (

    {{ union_open_systems(
        'events',
        ['event_id', 'actor_id', 'event_type', 'subject_id', 'category_id', 'season_id', 'occurred_at', 'payload', '_load_id'],
        ['funpot', 'hermes', 'advert_market', 'synapse', 'storyforge'],
    ) }}

),

loads as (

    select * from {{ source('ingest', 'loads') }}

)

select
    events.system,
    events.event_id,
    events.actor_id,
    events.event_type,
    events.subject_id,
    events.category_id,
    events.season_id,
    events.payload,
    events.occurred_at,
    loads.loaded_at
from events
inner join loads on events._load_id = loads.load_id
