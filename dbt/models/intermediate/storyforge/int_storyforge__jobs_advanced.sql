with jobs as (select * from {{ ref('stg_storyforge__jobs') }}),

versions as (select * from {{ ref('stg_storyforge__jobs_versions') }}),

steps_seen as (
    select
        job_id,
        case
            when status = 'final_ready' then 5
            when status = 'preview_ready' or stage in ('upload', 'finalization') then 4
            when status = 'continuity_checked' or stage = 'video_generation' then 3
            when status = 'script_ready' or stage = 'continuity_validation' then 2
            when status = 'processing' or started_at is not null then 1
            else 0
        end as step_number
    from versions
),

-- Joined before it is summed up, so that who asks for some days reads the versions of their jobs alone.
final as (
    select
        jobs.job_id,
        jobs.job_type,
        jobs.queued_at,
        (jobs.queued_at at time zone 'UTC')::date as queued_on,
        jobs.status,
        jobs.error_code,
        jobs.retry_count,
        max(steps_seen.step_number) as step_number
    from jobs
    inner join steps_seen on jobs.job_id = steps_seen.job_id
    group by 1, 2, 3, 4, 5, 6, 7
)

select * from final
