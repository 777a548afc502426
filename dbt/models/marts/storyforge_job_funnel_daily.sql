{{ config(meta={
    'scope': {
        'columns': ['system', 'queued_on'], 'keys': 'touched_storyforge__job_days', 'listed_as': ['system', 'day']
    },
    'follows': ['jobs', 'jobs_versions'],
}) }}

with advanced as (

    select
        'storyforge'::text as system,
        jobs.queued_on as day,
        jobs.*
    from {{ ref('int_storyforge__jobs_advanced') }} as jobs

),

jobs as (

    select advanced.*
    from advanced
    where
        {{ in_days('advanced.queued_at', 'touched_storyforge__job_days') }}
        and {{ in_scope(['system', 'day'], 'touched_storyforge__job_days', 'advanced') }}

),

days as (
    select
        queued_on,
        job_type,
        count(*) as jobs_queued
    from jobs
    group by 1, 2
),

steps as (
    select
        jobs.queued_on,
        jobs.job_type,
        steps.step,
        steps.error_code,
        count(*) as jobs
    from jobs
    cross join
        lateral (
            values
            ('queued', 'none', true),
            ('processing', 'none', jobs.step_number >= 1),
            ('script_ready', 'none', jobs.step_number >= 2),
            ('continuity_checked', 'none', jobs.step_number >= 3),
            ('preview_ready', 'none', jobs.step_number >= 4),
            ('final_ready', 'none', jobs.step_number >= 5),
            ('failed', coalesce(jobs.error_code, 'unknown'), jobs.status = 'failed'),
            ('cancelled', 'none', jobs.status = 'cancelled'),
            ('retried', 'none', jobs.retry_count > 0)
        ) as steps (step, error_code, is_reached)
    where steps.is_reached
    group by 1, 2, 3, 4
)

select
    'storyforge'::text as system,
    steps.queued_on,
    steps.job_type,
    steps.step,
    steps.error_code,
    steps.jobs,
    {{ ratio('steps.jobs', 'days.jobs_queued', 4) }} as share
from steps
inner join days on steps.queued_on = days.queued_on and steps.job_type = days.job_type
where {{ is_open("'storyforge'") }}
