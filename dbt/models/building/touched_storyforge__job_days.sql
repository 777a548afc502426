select
    'storyforge'::text as system,
    (jobs.queued_at at time zone 'UTC')::date as day
from {{ ref('stg_storyforge__jobs') }} as jobs
inner join {{ ref('touched_storyforge__jobs') }} as touched on jobs.job_id = touched.job_id
-- A corrected instant leaves the day that it was told for.
union
select
    events.system,
    (events.occurred_at at time zone 'UTC')::date as day
from {{ changes('fct_events', of_whole_systems=false) }} as events
where events.system = 'storyforge' and events.event_type = 'job_queued'
