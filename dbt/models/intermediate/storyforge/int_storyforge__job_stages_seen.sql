with versions as (
    select * from {{ ref('stg_storyforge__jobs_versions') }}
    where {{ touched('storyforge', 'jobs', 'job_id') }}
),

attempts as (select * from {{ ref('int_storyforge__job_attempts') }}),

sightings as (
    -- A version of an ended attempt that names the stage it ended in tells of the instant of its end.
    select
        job_id,
        retry_count as attempt,
        stage,
        coalesce(ended_at, seen_at) as seen_at
    from versions
    union all
    select
        job_id,
        attempt,
        'pending' as stage,
        queued_at as seen_at
    from attempts
    where queued_at is not null
    union all
    select
        job_id,
        attempt,
        'script_expansion' as stage,
        started_at as seen_at
    from attempts
    where started_at is not null
),

final as (
    select
        sightings.job_id,
        sightings.attempt,
        sightings.stage,
        stages.position,
        min(sightings.seen_at) as first_seen_at,
        max(sightings.seen_at) as last_seen_at
    from sightings
    inner join (
        values
        ('pending', 0),
        ('script_expansion', 1),
        ('continuity_validation', 2),
        ('video_generation', 3),
        ('upload', 4),
        ('finalization', 5)
    ) as stages (stage, position) on sightings.stage = stages.stage
    group by 1, 2, 3, 4
)

select * from final
