with jobs as (select * from {{ ref('stg_storyforge__jobs') }}),

versions as (select * from {{ ref('stg_storyforge__jobs_versions') }}),

farthest as (
    select
        job_id,
        max(
            case
                when status = 'final_ready' then 5
                when status = 'preview_ready' or stage in ('upload', 'finalization') then 4
                when status = 'continuity_checked' or stage = 'video_generation' then 3
                when status = 'script_ready' or stage = 'continuity_validation' then 2
                when status = 'processing' or started_at is not null then 1
                else 0
            end
        ) as step_number
    from versions
    group by 1
),

final as (
    select
        jobs.job_id,
        jobs.job_type,
        (jobs.queued_at at time zone 'UTC')::date as queued_on,
        jobs.status,
        jobs.error_code,
        jobs.retry_count,
        farthest.step_number
    from jobs
    inner join farthest on jobs.job_id = farthest.job_id
)

select * from final
