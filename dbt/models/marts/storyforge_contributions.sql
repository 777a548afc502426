{{ config(
    indexes=[{'columns': ['first_added_at']}],
    meta={'scope': {
        'columns': ['system', 'entity_type', 'entity_id', 'contributor_id'],
        'keys': 'touched_storyforge__contributions',
    }}
) }}

with segments as (

    select * from {{ ref('int_storyforge__events_unpacked') }}
    where event_type = 'segment_added'

),

contributions as (

    select
        'storyforge'::text as system,
        entities.entity_type,
        entities.entity_id,
        segments.actor_id as contributor_id,
        segments.event_id,
        segments.occurred_at,
        segments.duration_seconds,
        segments.status = 'active' as is_active
    from segments
    cross join
        lateral (
            values
            ('scene', segments.scene_id),
            ('creator', nullif(segments.creator_id, segments.actor_id))
        ) as entities (entity_type, entity_id)
    where entities.entity_id is not null

),

numbered as (

    select
        *,
        row_number() over (
            partition by entity_type, entity_id, contributor_id order by occurred_at asc, event_id asc
        ) as place
    from contributions
    where
        {{ is_open("'storyforge'") }}
        and {{ in_scope(
            ['system', 'entity_type', 'entity_id', 'contributor_id'], 'touched_storyforge__contributions', 'contributions'
        ) }}

)

select
    system,
    entity_type,
    entity_id,
    contributor_id,
    min(occurred_at) as first_added_at,
    max(event_id) filter (where place = 1) as first_event_id,
    count(*) as segments,
    count(*) filter (where is_active) as segments_active,
    {{ whole('sum(duration_seconds)') }} as seconds,
    {{ whole('coalesce(sum(duration_seconds) filter (where is_active), 0)') }} as seconds_active
from numbered
group by 1, 2, 3, 4
