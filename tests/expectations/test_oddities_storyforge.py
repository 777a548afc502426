"""What StoryForge does by nature and a naive rule would flag: no rule breaks on it."""

import psycopg
import pytest

from expectations.catalogue import rules_of
from tests.expectations.asking import breaks

RULES = rules_of("storyforge")

ODDITIES = {
    "likes are taken back, and the counts fall": """
        with gone as (
            delete from raw_storyforge.likes
            where id in (select id from raw_storyforge.likes order by created_at desc limit 40)
            returning target_type, target_id
        ),
        fallen as (
            select target_type, target_id, count(*) as likes from gone group by 1, 2
        ),
        ideas as (
            update raw_storyforge.ideas set like_count = like_count - likes
            from fallen where target_type = 'idea' and id = target_id
        )
        update raw_storyforge.scenes set like_count = like_count - likes
        from fallen where target_type = 'scene' and id = target_id
    """,
    "two segments of a scene started from one version of its bible": """
        update raw_storyforge.segments set bible_version = bible_version - 1
        where sequence > 1 and id in (
            select distinct on (scene_id) id from raw_storyforge.segments where sequence > 1 order by scene_id, id
        )
    """,
    "jobs of past months are archived, their segments remain": """
        delete from raw_storyforge.jobs
        where created_at < (select min(created_at) + interval '20 days' from raw_storyforge.jobs)
    """,
    "hidden and removed segments keep their numbers and their counts": """
        update raw_storyforge.segments set status = case when sequence % 2 = 0 then 'hidden' else 'removed' end
        where sequence % 3 = 0 and status = 'active'
    """,
    "counters count active rows alone": """
        with active as (
            select scene_id, count(*) as segments, sum(duration) as seconds
            from raw_storyforge.segments where status = 'active' group by 1
        )
        update raw_storyforge.scenes set segment_count = segments, total_duration = seconds
        from active where scene_id = id
    """,
    "nobody sets the number of contributors": "update raw_storyforge.scenes set contributor_count = 0",
    "views are not delivered, for they are optional": "delete from raw_storyforge.scene_views",
    "the views of ideas have no table": "update raw_storyforge.ideas set view_count = view_count + 12345",
    "a failed job keeps the stage that failed": """
        update raw_storyforge.jobs set stage = 'video_generation' where status = 'failed'
    """,
    "a job is cancelled while it is at work": """
        update raw_storyforge.jobs set stage = 'video_generation', progress = 50, started_at = created_at
        where status = 'cancelled'
    """,
    "a contradiction waits for its author for weeks": """
        update raw_storyforge.jobs set error_code = 'CONTINUITY_VIOLATION', retry_count = 0 where status = 'failed'
    """,
    "a file has no size": "update raw_storyforge.segments set file_size = null",
    "the newest segment is a little older than its scene says": """
        update raw_storyforge.scenes set last_segment_at = last_segment_at + interval '3 seconds'
    """,
    "the first job of a scene is a continuation": "update raw_storyforge.jobs set type = 'continuation'",
    "likes on removed content stay": """
        update raw_storyforge.ideas set status = 'removed' where like_count > 0
    """,
    "removed content has an older flag that was dismissed": """
        update raw_storyforge.moderation_flags set reviewed_at = '2020-01-01', created_at = '2020-01-01'
        where status = 'dismissed'
    """,
    "a flag is under review": """
        update raw_storyforge.moderation_flags set status = 'reviewing', reviewed_at = null, action_taken = null
        where status = 'dismissed'
    """,
    "a flag was raised by the machine": "update raw_storyforge.moderation_flags set reporter_id = null",
    "an approved suggestion is not promoted yet": """
        update raw_storyforge.user_topics set promoted_to_topic_id = null where status = 'approved'
    """,
}


@pytest.mark.parametrize("oddity", ODDITIES.values(), ids=ODDITIES)
def test_no_rule_breaks_on_what_is_natural(sample: psycopg.Connection, oddity: str) -> None:
    assert sample.execute(oddity.encode()).rowcount, "the oddity found nothing to change in the sample"
    assert breaks(sample, RULES) == {}


def test_a_finished_job_waits_for_its_segment_until_later_ones_were_delivered(sample: psycopg.Connection) -> None:
    """Jobs are pulled by the hour and segments by the day."""
    newest = "select max(created_at) - interval '1 day' from raw_storyforge.segments"
    [rule] = [rule for rule in RULES if rule.id == "E-03"]
    assert sample.execute(f"delete from raw_storyforge.segments where created_at >= ({newest})").rowcount > 1
    assert breaks(sample, [rule]) == {}
    sample.execute(
        "delete from raw_storyforge.segments"
        " where id = (select id from raw_storyforge.segments order by created_at desc offset 1 limit 1)"
    )
    assert breaks(sample, [rule]) != {}
