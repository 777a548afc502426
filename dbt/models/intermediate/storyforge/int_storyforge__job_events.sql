with jobs as (
    select * from {{ ref('stg_storyforge__jobs') }}
    where {{ touched('storyforge', 'events', "'job_queued:' || job_id", 'event_id') }}
),

targets as (select * from {{ ref('int_storyforge__targets') }}),

jobs_categorised as (
    select
        jobs.*,
        targets.category_id
    from jobs
    left join targets on targets.target_type = 'scene' and jobs.scene_id = targets.target_id
),

final as (
    select
        'job_queued:' || job_id as event_id,
        user_id as actor_id,
        'job_queued' as event_type,
        job_id as subject_id,
        category_id,
        queued_at as occurred_at,
        {{ json_object({'scene_id': 'scene_id', 'job_type': 'job_type'}) }} as payload,
        _load_id
    from jobs_categorised
    union all
    select
        'job_ended:' || job_id as event_id,
        user_id as actor_id,
        case status
            when 'final_ready' then 'job_finished'
            when 'failed' then 'job_failed'
            else 'job_cancelled'
        end as event_type,
        job_id as subject_id,
        category_id,
        ended_at as occurred_at,
        {{ json_object({'scene_id': 'scene_id', 'error_code': 'error_code', 'retry_count': 'retry_count'}) }}
            as payload,
        _load_id
    from jobs_categorised
    where status in ('final_ready', 'failed', 'cancelled') and ended_at is not null
)

select * from final
