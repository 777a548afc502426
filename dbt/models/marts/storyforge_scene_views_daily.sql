{{ config(meta={'scope': {'columns': ['system', 'day'], 'keys': 'touched_storyforge__view_days'}}) }}

with events as (select * from {{ ref('int_storyforge__events_unpacked') }}),

sessions as (select * from {{ ref('storyforge_view_sessions') }}),

viewed as (

    select
        'storyforge'::text as system,
        event_id,
        subject_id as scene_id,
        (occurred_at at time zone 'UTC')::date as day,
        actor_id as viewer_id
    from events
    where event_type = 'scene_viewed' and {{ in_days('occurred_at', 'touched_storyforge__view_days') }}

),

begun as (

    select event_id
    from sessions
    where {{ in_days('started_at', 'touched_storyforge__view_days') }}

)

select
    viewed.system,
    viewed.scene_id,
    viewed.day,
    count(*) as views,
    count(begun.event_id) as sessions,
    count(distinct viewed.viewer_id) as viewers,
    count(*) filter (where viewed.viewer_id is null) as anonymous_views
from viewed
left join begun on viewed.event_id = begun.event_id
where
    {{ is_open("'storyforge'") }}
    and {{ in_scope(['system', 'day'], 'touched_storyforge__view_days', 'viewed') }}
group by 1, 2, 3
