"""What must hold of the scenes of StoryForge and their segments: E-01, E-02, E-08, E-09, E-11, E-17, E-19."""

from expectations.repeated import repeated
from expectations.rule import Mutation, Rule, Scope
from expectations.rules.storyforge import update_one

SCENES = Scope(
    "storyforge_scenes",
    {"scenes": "id", "segments": "scene_id", "scene_bibles": "scene_id", "scene_summaries": "scene_id"},
)

RULES = (
    Rule(
        id="E-01",
        system="storyforge",
        title="Ids of segments and jobs and idempotency keys of jobs are unique over all months.",
        severity="error",
        unit=None,
        tables=("segments", "jobs"),
        query=" union all ".join(
            (
                repeated("raw_storyforge.segments", "id", "'segment ' || repeated.id", "created_at"),
                repeated("raw_storyforge.jobs", "id", "'job ' || repeated.id", "created_at"),
                repeated(
                    "raw_storyforge.jobs",
                    "idempotency_key",
                    "'idempotency_key ' || repeated.idempotency_key",
                    "created_at",
                ),
            )
        ),
        mutations=(
            Mutation(
                "a segment takes the id of another",
                update_one(
                    "segments",
                    "id = (select id from raw_storyforge.segments order by id desc limit 1)",
                    "true",
                ),
            ),
            Mutation(
                "a job takes the id of another",
                update_one(
                    "jobs",
                    "id = (select id from raw_storyforge.jobs order by id desc limit 1)",
                    "true",
                ),
            ),
            Mutation(
                "two jobs share an idempotency key",
                update_one(
                    "jobs",
                    "idempotency_key = (select max(idempotency_key) from raw_storyforge.jobs)",
                    "idempotency_key < (select max(idempotency_key) from raw_storyforge.jobs)",
                ),
            ),
        ),
    ),
    Rule(
        id="E-02",
        system="storyforge",
        title="The segments of a scene are numbered from 1 without gaps or repeats.",
        severity="error",
        unit=None,
        tables=("segments",),
        query="""
            select numbered.scene_id::text as subject, null::numeric as amount,
                to_jsonb(numbered) - 'scene_id' as evidence,
                found.last_at as happened_at
            from (
                select
                    scene_id, count(*) as segments, count(distinct sequence) as places,
                    min(sequence) as first, max(sequence) as last
                from raw_storyforge.segments
                where in_scope(segments.scene_id)
                group by scene_id
                having min(sequence) <> 1 or max(sequence) <> count(*) or count(distinct sequence) <> count(*)
            ) as numbered
            cross join lateral (
                select max(created_at) as last_at from raw_storyforge.segments where scene_id = numbered.scene_id
            ) as found
        """,
        mutations=(
            Mutation("a segment leaves a gap", update_one("segments", "sequence = sequence + 1000", "true")),
            Mutation("two segments have one place", update_one("segments", "sequence = 1", "sequence = 2")),
        ),
        scope=SCENES,
    ),
    Rule(
        id="E-08",
        system="storyforge",
        title="A scene's bibles count up to its bible_version, each but the first by its own segment.",
        severity="error",
        unit=None,
        tables=("scenes", "scene_bibles", "segments"),
        query="""
            with written as (
                select
                    bibles.scene_id,
                    count(*) as bibles,
                    count(distinct bibles.version) as versions,
                    min(bibles.version) as oldest,
                    max(bibles.version) as newest,
                    max(bibles.created_at) as newest_at,
                    count(*) filter (
                        where (bibles.created_by_segment_id is null) <> (bibles.version = 1)
                    ) as unattributed,
                    count(bibles.created_by_segment_id) - count(segments.id) as unknown_segments,
                    count(bibles.created_by_segment_id)
                    - count(distinct bibles.created_by_segment_id) as repeated_segments
                from raw_storyforge.scene_bibles as bibles
                left join raw_storyforge.segments
                    on segments.id = bibles.created_by_segment_id and segments.scene_id = bibles.scene_id
                    and in_scope(segments.scene_id)
                where in_scope(bibles.scene_id)
                group by bibles.scene_id
            ),
            scenes as (
                select * from raw_storyforge.scenes where in_scope(scenes.id)
            )
            select coalesce(scenes.id, written.scene_id)::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'bible_version', scenes.bible_version, 'written', to_jsonb(written)
                ) as evidence,
                coalesce(written.newest_at, scenes.created_at) as happened_at
            from scenes
            full join written on written.scene_id = scenes.id
            where scenes.bible_version is distinct from written.newest
            or written.oldest <> 1
            or written.bibles <> written.newest
            or written.versions <> written.bibles
            or written.unattributed + written.unknown_segments + written.repeated_segments > 0
        """,
        mutations=(
            Mutation(
                "a scene is one version ahead of its bibles",
                update_one("scenes", "bible_version = bible_version + 1", "true"),
            ),
            Mutation(
                "the segment behind a bible stands in another scene",
                update_one("segments", "scene_id = gen_random_uuid()", "true"),
            ),
            Mutation(
                "a version is written twice",
                """
                insert into raw_storyforge.scene_bibles (id, scene_id, version, data, created_at, _load_id)
                select gen_random_uuid(), scene_id, version, data, created_at, _load_id
                from raw_storyforge.scene_bibles where version = 1 order by id limit 1
                """,
            ),
        ),
        scope=SCENES,
    ),
    # Two segments may start from one version: their authors continued the scene at the same time.
    Rule(
        id="E-09",
        system="storyforge",
        title="A segment starts from a version of the bible older than its scene's newest.",
        severity="error",
        unit=None,
        tables=("segments", "scenes"),
        query="""
            select segments.id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'started_from', segments.bible_version, 'newest', scenes.bible_version
                ) as evidence,
                segments.created_at as happened_at
            from raw_storyforge.segments
            inner join raw_storyforge.scenes on scenes.id = segments.scene_id
            where segments.bible_version not between 1 and scenes.bible_version - 1 and in_scope(segments.scene_id)
        """,
        mutations=(
            Mutation(
                "a segment starts from a version to come",
                update_one("segments", "bible_version = bible_version + 1000", "true"),
            ),
        ),
        scope=SCENES,
    ),
    Rule(
        id="E-11",
        system="storyforge",
        title="A scene's last_segment_at is the time of its newest segment, and null without any.",
        severity="error",
        unit=None,
        tables=("scenes", "segments"),
        query="""
            with added as (
                select scene_id, max(created_at) as newest_segment_at
                from raw_storyforge.segments
                where in_scope(segments.scene_id)
                group by scene_id
            )
            select scenes.id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'last_segment_at', scenes.last_segment_at, 'newest_segment_at', added.newest_segment_at
                ) as evidence,
                coalesce(added.newest_segment_at, scenes.last_segment_at) as happened_at
            from raw_storyforge.scenes
            left join added on added.scene_id = scenes.id
            where in_scope(scenes.id) and (
                (scenes.last_segment_at is null) <> (added.newest_segment_at is null)
                or scenes.last_segment_at < added.newest_segment_at - interval '5 seconds'
                or scenes.last_segment_at > added.newest_segment_at + interval '5 seconds'
            )
        """,
        mutations=(
            Mutation(
                "a scene shows an older time",
                update_one(
                    "scenes",
                    "last_segment_at = last_segment_at - interval '1 minute'",
                    "segment_count > 0",
                ),
            ),
            Mutation(
                "a scene with segments shows no time",
                update_one("scenes", "last_segment_at = null", "segment_count > 0"),
            ),
        ),
        scope=SCENES,
    ),
    Rule(
        id="E-17",
        system="storyforge",
        title="A summary covers each of its segments once, and only segments that exist.",
        severity="warn",
        unit=None,
        tables=("scene_summaries", "segments"),
        query="""
            with covered as (
                select id, scene_id, updated_at, unnest(segments_covered) as sequence
                from raw_storyforge.scene_summaries
                where in_scope(scene_summaries.scene_id)
            ),
            known as (
                select distinct scene_id, sequence from raw_storyforge.segments where in_scope(segments.scene_id)
            )
            select covered.id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'covered', count(*), 'distinct', count(distinct covered.sequence),
                    'existing', count(known.sequence)
                ) as evidence,
                max(covered.updated_at) as happened_at
            from covered
            left join known on known.scene_id = covered.scene_id and known.sequence = covered.sequence
            group by covered.id
            having count(*) <> count(distinct covered.sequence) or count(*) <> count(known.sequence)
        """,
        mutations=(
            Mutation(
                "a summary covers a segment to come",
                update_one("scene_summaries", "segments_covered = segments_covered || 1000000", "true"),
            ),
            Mutation(
                "a summary covers a segment twice",
                update_one("scene_summaries", "segments_covered = segments_covered || 1", "true"),
            ),
        ),
        scope=SCENES,
    ),
    Rule(
        id="E-19",
        system="storyforge",
        title="Every segment has a length and a size, and every scene at least a second for each segment.",
        severity="warn",
        unit=None,
        tables=("segments", "scenes"),
        query="""
            select 'segment ' || id as subject, null::numeric as amount,
                jsonb_build_object('duration', duration, 'file_size', file_size) as evidence,
                created_at as happened_at
            from raw_storyforge.segments
            where (duration <= 0 or file_size <= 0) and in_scope(segments.scene_id)
            union all
            select 'scene ' || id, null,
                jsonb_build_object('total_duration', total_duration, 'segment_count', segment_count),
                coalesce(last_segment_at, created_at)
            from raw_storyforge.scenes
            where total_duration < segment_count and in_scope(scenes.id)
        """,
        mutations=(
            Mutation("a segment has no length", update_one("segments", "duration = 0", "true")),
            Mutation("a segment has no bytes", update_one("segments", "file_size = 0", "true")),
            Mutation(
                "a scene has lost its seconds",
                update_one("scenes", "total_duration = 0", "segment_count > 0"),
            ),
        ),
        scope=SCENES,
    ),
)
