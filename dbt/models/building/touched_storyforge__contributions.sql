select distinct
    events.system,
    entities.entity_type,
    entities.entity_id,
    events.actor_id as contributor_id
from {{ changes('fct_events', of_whole_systems=false) }} as events
cross join
    lateral (
        values
        ('scene', events.payload ->> 'scene_id'),
        ('creator', events.payload ->> 'creator_id')
    ) as entities (entity_type, entity_id)
where events.system = 'storyforge' and events.event_type = 'segment_added' and entities.entity_id is not null
