{{ config(
    indexes=[{'columns': ['stage', 'entered_at']}],
    meta={
        'scope': {'columns': ['job_id'], 'keys': 'touched_storyforge__jobs'},
        'follows': ['jobs', 'jobs_versions'],
    }
) }}

with stages as (select * from {{ ref('int_storyforge__job_stages_bounded') }}),

jobs as (select * from {{ ref('stg_storyforge__jobs') }})

select
    'storyforge'::text as system,
    stages.job_id,
    stages.attempt,
    stages.stage,
    jobs.job_type,
    jobs.queued_at,
    stages.entered_at,
    stages.left_at,
    {{ decimal(seconds_between('stages.entered_at', 'stages.left_at')) }} as seconds,
    {{ decimal(seconds_between('stages.entered_at', 'stages.left_no_earlier_than')) }} as seconds_at_least,
    {{ decimal(seconds_between('stages.entered_no_earlier_than', 'stages.left_no_later_than')) }} as seconds_at_most,
    stages.ended_as,
    stages.error_code
from stages
inner join jobs on stages.job_id = jobs.job_id
where {{ is_open("'storyforge'") }}
