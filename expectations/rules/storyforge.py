"""What must hold of the jobs of StoryForge as they stand: E-03 to E-06 and E-20.

Ages are judged against the newest instant delivered, never the clock. The history of jobs, scenes, people and their
moderation are in `storyforge_history`, `storyforge_scenes`, `storyforge_community` and `storyforge_moderation`.
"""

from expectations.rule import Mutation, Rule, Scope

# A job as it stands, in every version delivered, and the segment it made. What one lacks of the other waits until a
# later one of that kind was delivered.
JOBS = Scope(
    "storyforge_jobs",
    {"jobs": "id", "jobs_versions": "id", "segments": "job_id"},
    due="""
        with seen as (
            select least(
                (select coalesce(max(completed_at), '-infinity') from raw_storyforge.jobs
                where _load_id not in (select load_id from new_loads)),
                (select coalesce(max(created_at), '-infinity') from raw_storyforge.segments
                where _load_id not in (select load_id from new_loads))
            ) as until
        )
        select id as key from raw_storyforge.jobs where coalesce(completed_at, created_at) >= (select until from seen)
        union all
        select job_id from raw_storyforge.segments where created_at >= (select until from seen)
    """,
)


def update_one(table: str, change: str, where: str) -> str:
    """A mutation of one row: the first by id of a table that meets `where`."""
    first = f"select id from raw_storyforge.{table} where {where} order by id limit 1"  # noqa: S608 - no outside input
    return f"update raw_storyforge.{table} set {change} where id = ({first})"  # noqa: S608


RULES = (
    # The source archives jobs by month after half a year and keeps their segments. What it still had when
    # deliveries began starts with the earliest job delivered; the day after it is left to jobs that ran
    # over the edge of a month. Jobs and segments come in files of their own, one often before the other: what one of
    # them lacks is judged when a later one of its kind was delivered.
    Rule(
        id="E-03",
        system="storyforge",
        title="A job is final_ready exactly if one segment bears it: same scene, same user, within its time.",
        severity="critical",
        unit=None,
        tables=("jobs", "segments"),
        query="""
            with retained as (
                select
                    min(created_at) + interval '1 day' as starts_at,
                    max(completed_at) as newest_job_at,
                    (select max(created_at) from raw_storyforge.segments) as newest_segment_at
                from raw_storyforge.jobs
            ),
            jobs as (
                select * from raw_storyforge.jobs where in_scope(jobs.id)
            ),
            segments as (
                select * from raw_storyforge.segments where in_scope(segments.job_id)
            ),
            pairs as (
                select
                    coalesce(jobs.id, segments.job_id) as job_id,
                    coalesce(jobs.status, 'never delivered') as status,
                    segments.id as segment_id,
                    coalesce(segments.created_at, jobs.completed_at, jobs.created_at) as happened_at,
                    segments.scene_id = jobs.scene_id as is_same_scene,
                    segments.user_id = jobs.user_id as is_same_user,
                    coalesce(
                        segments.created_at >= jobs.started_at
                        and segments.created_at <= jobs.completed_at + interval '1 minute', false
                    ) as is_in_time
                from jobs
                full join segments on segments.job_id = jobs.id
            ),
            broken as (
                select pairs.*
                from pairs
                cross join retained
                where case status
                    when 'final_ready'
                        then case
                            when segment_id is null then happened_at < newest_segment_at
                            else not (is_same_scene and is_same_user and is_in_time)
                        end
                    when 'never delivered' then happened_at >= starts_at and happened_at < newest_job_at
                    else segment_id is not null and happened_at < newest_job_at
                end
                or job_id in (
                    select job_id from raw_storyforge.segments where in_scope(segments.job_id)
                    group by job_id having count(*) > 1
                )
            )
            select job_id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'status', min(status), 'segments', count(distinct segment_id),
                    'segment_id', min(segment_id::text), 'is_same_scene', bool_and(is_same_scene),
                    'is_same_user', bool_and(is_same_user), 'is_in_time', bool_and(is_in_time)
                ) as evidence,
                max(happened_at) as happened_at
            from broken
            group by job_id
        """,
        mutations=(
            Mutation(
                "the segment of a finished job bears another job",
                update_one(
                    "segments",
                    "job_id = gen_random_uuid()",
                    "job_id in (select id from raw_storyforge.jobs)",
                ),
            ),
            Mutation(
                "a job has a second segment",
                update_one(
                    "segments",
                    "job_id = (select id from raw_storyforge.jobs where status = 'final_ready' limit 1)",
                    "job_id not in (select id from raw_storyforge.jobs)",
                ),
            ),
            Mutation(
                "a job that went back to work keeps its segment",
                update_one("jobs", "status = 'preview_ready'", "status = 'final_ready'"),
            ),
            Mutation(
                "a segment stands in another scene than its job",
                update_one("jobs", "scene_id = gen_random_uuid()", "status = 'final_ready'"),
            ),
            Mutation(
                "a segment belongs to another user than its job",
                update_one("jobs", "user_id = gen_random_uuid()", "status = 'final_ready'"),
            ),
            Mutation(
                "a segment comes five minutes after its job ended",
                update_one(
                    "jobs",
                    "completed_at = completed_at - interval '5 minutes'",
                    "status = 'final_ready'",
                ),
            ),
            Mutation(
                "the job of a segment was never delivered, though later ones were",
                """
                delete from raw_storyforge.jobs where id = (
                    select job_id from raw_storyforge.segments
                    where created_at < (select max(completed_at) - interval '1 day' from raw_storyforge.jobs)
                    order by created_at desc limit 1
                )
                """,
            ),
        ),
        scope=JOBS,
    ),
    Rule(
        id="E-04",
        system="storyforge",
        title="A failed or cancelled job has no segment.",
        severity="error",
        unit=None,
        tables=("jobs", "segments"),
        query="""
            select jobs.id::text as subject, null::numeric as amount,
                jsonb_build_object('status', min(jobs.status), 'segments', count(*)) as evidence,
                max(segments.created_at) as happened_at
            from raw_storyforge.jobs
            inner join raw_storyforge.segments on segments.job_id = jobs.id
            where jobs.status in ('failed', 'cancelled') and in_scope(jobs.id)
            group by jobs.id
        """,
        mutations=(
            Mutation(
                "the job of a segment failed",
                update_one(
                    "jobs",
                    "status = 'failed', stage = 'error', progress = 95",
                    "status = 'final_ready'",
                ),
            ),
        ),
        scope=JOBS,
    ),
    # A failed job keeps the stage that failed or shows `error`; a cancelled one keeps the one it was in.
    Rule(
        id="E-05",
        system="storyforge",
        title="A job's status, stage, progress and times agree.",
        severity="error",
        unit=None,
        tables=("jobs",),
        query="""
            select id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'status', status, 'stage', stage, 'progress', progress,
                    'created_at', created_at, 'started_at', started_at, 'completed_at', completed_at
                ) as evidence,
                created_at as happened_at
            from raw_storyforge.jobs
            where in_scope(jobs.id) and (not case status
                when 'queued' then stage = 'pending'
                when 'processing' then stage = 'script_expansion'
                when 'script_ready' then stage = 'continuity_validation'
                when 'continuity_checked' then stage = 'video_generation'
                when 'preview_ready' then stage in ('upload', 'finalization')
                when 'final_ready' then stage = 'completed'
                when 'failed' then stage not in ('pending', 'completed')
                else stage not in ('completed', 'error')
            end
            or progress not between 0 and 100
            or (progress = 100) <> (status = 'final_ready')
            or (completed_at is not null) <> (status in ('final_ready', 'failed', 'cancelled'))
            or started_at > completed_at
            or created_at > started_at)
        """,
        mutations=(
            Mutation(
                "a finished job is still uploading",
                update_one("jobs", "stage = 'upload'", "status = 'final_ready'"),
            ),
            Mutation(
                "a finished job is at 99 percent",
                update_one("jobs", "progress = 99", "status = 'final_ready'"),
            ),
            Mutation(
                "a finished job has no end",
                update_one("jobs", "completed_at = null", "status = 'final_ready'"),
            ),
            Mutation(
                "a job ended before it began",
                update_one(
                    "jobs",
                    "completed_at = started_at - interval '1 second'",
                    "status = 'final_ready'",
                ),
            ),
            Mutation(
                "a job began before it was asked for",
                update_one("jobs", "started_at = created_at - interval '1 second'", "status = 'final_ready'"),
            ),
        ),
        scope=JOBS,
    ),
    Rule(
        id="E-06",
        system="storyforge",
        title="No job is retried more often than it may be.",
        severity="error",
        unit=None,
        tables=("jobs",),
        query="""
            select id::text as subject, null::numeric as amount,
                jsonb_build_object('retry_count', retry_count, 'max_retries', max_retries) as evidence,
                created_at as happened_at
            from raw_storyforge.jobs
            where retry_count > max_retries and in_scope(jobs.id)
        """,
        mutations=(
            Mutation(
                "a job is retried once too often",
                update_one("jobs", "retry_count = max_retries + 1", "true"),
            ),
        ),
        scope=JOBS,
    ),
    # The source keeps no history and a delivery holds only the newest state, so a forbidden step is
    # judged by what it leaves in the row: a result is written only on success, and going back to the
    # queue clears `started_at`.
    # A contradiction in the story waits for its author, so only other failures count as forgotten.
    Rule(
        id="E-20",
        system="storyforge",
        title="No job waits 10 minutes in the queue, works for 30 or goes without its retry for an hour.",
        severity="warn",
        unit=None,
        tables=("jobs",),
        query="""
            with newest as (
                select greatest(
                    (select max(greatest(created_at, started_at, completed_at)) from raw_storyforge.jobs),
                    (select max(created_at) from raw_storyforge.segments),
                    (select max(created_at) from raw_storyforge.scene_views)
                ) as delivered_until
            ),
            waiting as (
                select
                    id, status, retry_count < max_retries as may_retry, error_code,
                    coalesce(completed_at, started_at, created_at) as since
                from raw_storyforge.jobs
                where status not in ('final_ready', 'cancelled')
            )
            select waiting.id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'status', waiting.status, 'since', waiting.since,
                    'delivered_until', newest.delivered_until
                ) as evidence,
                waiting.since as happened_at
            from waiting
            cross join newest
            where newest.delivered_until - waiting.since > case
                when waiting.status = 'queued' then interval '10 minutes'
                when waiting.status <> 'failed' then interval '30 minutes'
                when waiting.may_retry and waiting.error_code is distinct from 'CONTINUITY_VIOLATION'
                    then interval '1 hour'
            end
        """,
        mutations=(
            Mutation(
                "an old job is still queued",
                update_one(
                    "jobs",
                    "status = 'queued'",
                    "created_at = (select min(created_at) from raw_storyforge.jobs)",
                ),
            ),
            Mutation(
                "an old job is still at work",
                update_one(
                    "jobs",
                    "status = 'processing'",
                    "created_at = (select min(created_at) from raw_storyforge.jobs)",
                ),
            ),
            Mutation(
                "an old job still waits for its retry",
                update_one(
                    "jobs",
                    "status = 'failed', retry_count = 0, error_code = 'GENERATION_FAILED'",
                    "completed_at = (select min(completed_at) from raw_storyforge.jobs)",
                ),
            ),
        ),
    ),
)
