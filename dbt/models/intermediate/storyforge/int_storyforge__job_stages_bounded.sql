with stages as (select * from {{ ref('int_storyforge__job_stages_seen') }}),

attempts as (select * from {{ ref('int_storyforge__job_attempts') }}),

in_order as (
    select
        stages.*,
        attempts.ended_at,
        attempts.ended_no_later_than,
        attempts.ended_as,
        attempts.error_code,
        lead(stages.position) over pipeline as next_position,
        lead(stages.first_seen_at) over pipeline as next_seen_at,
        (stages.position = 0 and stages.attempt = 0)
        or (stages.position = 1 and attempts.started_at is not null) as entry_is_exact,
        coalesce(
            lag(stages.last_seen_at) over pipeline, attempts.queued_no_earlier_than
        ) as seen_before_at,
        attempts.started_at
    from stages
    inner join attempts on stages.job_id = attempts.job_id and stages.attempt = attempts.attempt
    window pipeline as (partition by stages.job_id, stages.attempt order by stages.position)
),

bounded as (
    select
        *,
        first_seen_at as entered_at,
        case when entry_is_exact then first_seen_at else least(seen_before_at, first_seen_at) end
            as entered_no_earlier_than,
        coalesce(next_seen_at, ended_no_later_than) as left_no_later_than,
        case
            when next_position = position + 1 then next_seen_at
            -- Seen there until its end; where it is not, it may have passed through later stages unseen.
            when next_position is null and (position = 5 or last_seen_at = ended_at) then ended_at
        end as left_at
    from in_order
),

final as (
    select
        job_id,
        attempt,
        stage,
        position,
        entered_no_earlier_than,
        entered_at,
        case
            -- These two are left at an instant that the job tells of itself.
            when position = 0 and next_position = 1 and started_at is not null then left_at
            when next_position is null and left_at is not null then left_at
            else least(last_seen_at, left_no_later_than)
        end as left_no_earlier_than,
        left_at,
        left_no_later_than,
        ended_as,
        error_code
    from bounded
)

select * from final
