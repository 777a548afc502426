with versions as (
    select * from {{ ref('stg_storyforge__jobs_versions') }}
    where {{ touched('storyforge', 'jobs', 'job_id') }}
),

attempts as (
    select
        job_id,
        retry_count as attempt,
        min(queued_at) as queued_at,
        least(min(started_at), min(seen_at)) as first_known_at,
        max(started_at) as started_at,
        max(ended_at) as ended_at,
        max(status) filter (where ended_at is not null) as ended_as,
        max(error_code) as error_code
    from versions
    group by 1, 2
),

final as (
    select
        job_id,
        attempt,
        -- A retry waits from some time after the failure before it; nothing tells when it was asked for.
        case when attempt = 0 then queued_at end as queued_at,
        case
            when attempt = 0 then queued_at
            else coalesce(lag(ended_at) over (partition by job_id order by attempt), queued_at)
        end as queued_no_earlier_than,
        started_at,
        ended_at,
        -- Only failed jobs are retried, so a next attempt tells what no delivery showed.
        coalesce(ended_at, lead(first_known_at) over (partition by job_id order by attempt)) as ended_no_later_than,
        coalesce(
            ended_as, case when lead(attempt) over (partition by job_id order by attempt) is not null then 'failed' end
        ) as ended_as,
        error_code
    from attempts
)

select * from final
