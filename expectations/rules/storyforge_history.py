"""What must hold of how jobs of StoryForge changed, as the versions that deliveries brought tell: E-07."""

from expectations.rule import Mutation, Rule
from expectations.rules.storyforge import JOBS, update_one


def _another_version(status: str, retry_count: str, of_status: str) -> str:
    """A mutation that adds a version to the history of the first job by id that was so."""
    return f"""
        insert into raw_storyforge.jobs_versions
            (id, created_at, status, stage, progress, retry_count, seen_at, _line, _load_id)
        select id, created_at, {status}, stage, progress, {retry_count}, seen_at, -1, _load_id
        from raw_storyforge.jobs_versions
        where status = '{of_status}'
        order by id
        limit 1
    """  # noqa: S608 - no outside input


RULES = (
    Rule(
        id="E-07",
        system="storyforge",
        title="No job has left final_ready or cancelled, ended twice in one attempt, or gone back without being reset.",
        severity="error",
        unit=None,
        tables=("jobs",),
        # Versions are compared whatever their order: a delivery that is dated by its day alone has no place in it. Only
        # the row as it stands is newer than all. A script that its check refuses is written anew.
        query="""
            with steps (status, step) as (
                values ('queued', 0), ('processing', 1), ('script_ready', 1), ('continuity_checked', 2),
                    ('preview_ready', 3)
            ),
            ends as (
                select distinct id, retry_count, status
                from raw_storyforge.jobs_versions
                where status in ('final_ready', 'failed', 'cancelled') and in_scope(jobs_versions.id)
            ),
            left_behind as (
                select ends.id, ends.status, versions.status as other_status, versions.created_at
                from ends
                inner join raw_storyforge.jobs_versions as versions on versions.id = ends.id
                where in_scope(versions.id) and (
                    (ends.status <> 'failed' and versions.retry_count > ends.retry_count)
                    or (
                        versions.retry_count = ends.retry_count and versions.status <> ends.status
                        and versions.status in ('final_ready', 'failed', 'cancelled')
                    )
                )
                union all
                select ends.id, ends.status, jobs.status, jobs.created_at
                from ends
                inner join raw_storyforge.jobs on jobs.id = ends.id
                where jobs.status <> ends.status and in_scope(jobs.id)
                and (ends.status <> 'failed' or jobs.retry_count <= ends.retry_count)
                union all
                select versions.id, versions.status, jobs.status, jobs.created_at
                from raw_storyforge.jobs_versions as versions
                inner join steps as before on before.status = versions.status
                inner join raw_storyforge.jobs on jobs.id = versions.id and jobs.retry_count <= versions.retry_count
                inner join steps as now on now.status = jobs.status
                where now.step < before.step and in_scope(versions.id)
            ),
            found as (
                select id, created_at, jsonb_build_object('ended', status, 'also', other_status) as evidence
                from left_behind
                union all
                select id, created_at, jsonb_build_object(
                    'status', status, 'started_at', started_at, 'segment_id', result_data ->> 'segmentId'
                )
                from raw_storyforge.jobs
                where in_scope(jobs.id) and (
                    (status <> 'final_ready' and result_data ->> 'segmentId' is not null)
                    or (status = 'queued' and started_at is not null)
                )
            )
            select id::text as subject, null::numeric as amount, jsonb_agg(distinct evidence) as evidence,
                max(created_at) as happened_at
            from found
            group by id
        """,
        mutations=(
            Mutation(
                "a finished job is cancelled afterwards",
                update_one("jobs", "status = 'cancelled'", "status = 'final_ready'"),
            ),
            Mutation(
                "a job at work is queued again as it stands",
                update_one("jobs", "status = 'queued', result_data = null", "started_at is not null"),
            ),
            Mutation(
                "a cancelled job was once delivered as retried",
                _another_version("'processing'", "retry_count + 1", "cancelled"),
            ),
            Mutation(
                "a finished job was once delivered as failed in the same attempt",
                _another_version("'failed'", "retry_count", "final_ready"),
            ),
            Mutation(
                "a failed job goes on, and its retry is not counted",
                update_one("jobs", "status = 'processing', retry_count = 0", "status = 'failed'"),
            ),
            Mutation(
                "a job whose preview was ready is at work again",
                """
                    with advanced as (
                        insert into raw_storyforge.jobs_versions
                            (id, created_at, status, stage, progress, retry_count, seen_at, _line, _load_id)
                        select id, created_at, 'preview_ready', 'upload', 85, retry_count, created_at, -1, _load_id
                        from raw_storyforge.jobs where status = 'final_ready' order by id limit 1
                        returning id
                    ),
                    forgotten as (
                        delete from raw_storyforge.jobs_versions where status = 'final_ready'
                        and id in (select id from advanced)
                    )
                    update raw_storyforge.jobs set status = 'processing', result_data = null
                    where id in (select id from advanced)
                """,
            ),
        ),
        scope=JOBS,
    ),
)
