{{ config(meta={'scope': {'columns': ['system', 'category_id', 'day'], 'keys': 'touched_synapse__engagement'}}) }}

with measured as (

    select * from {{ ref('int_synapse__engagement_measured') }}

),

events as (

    select measured.*
    from measured
    where
        {{ in_days('measured.occurred_at', 'touched_synapse__engagement') }}
        and {{ in_scope(['system', 'category_id', 'day'], 'touched_synapse__engagement', 'measured') }}
        and {{ is_open("'synapse'") }}

),

-- A member active in two channels of a category is one member of it, so the whole category is counted apart.
places as (

    select
        events.*,
        places.place_id
    from events
    cross join lateral (values (events.channel_id), ('all')) as places (place_id)

)

select
    system,
    category_id,
    place_id as channel_id,
    day,
    count(*) filter (where event_type = 'message_create') as messages,
    count(*) filter (where event_type = 'reaction_add') as reactions,
    count(*) filter (where event_type = 'thread_create') as threads,
    count(*) filter (where event_type = 'voice_join') as voice_joins,
    {{ whole('sum(voice_seconds)') }} as voice_seconds,
    {{ ratio('sum(voice_seconds)', '60', 2) }} as voice_minutes,
    count(distinct case when event_type = 'message_create' then actor_id end) as authors,
    count(distinct case when event_type = 'reaction_add' then actor_id end) as reactors,
    count(distinct actor_id) as members
from places
group by 1, 2, 3, 4
