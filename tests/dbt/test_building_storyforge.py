"""StoryForge built piece by piece: late parents, corrected rows, and rows that vanish, a few of each kind."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.builds import Builds
from tests.dbt.stories import flag, idea, job, key, like, scene, segment, user, view


@pytest.fixture
def deliver(builds: Builds, tmp_path: Path) -> Callable[..., None]:
    """Delivers rows of some tables and builds what they touch."""
    return partial(builds.deliver_and_build, tmp_path, "storyforge")


FAILED = {
    "error_code": "GENERATION_FAILED",
    "started_at": "2026-06-02T10:00:05Z",
    "completed_at": "2026-06-02T10:01:00Z",
}
LIKES = [
    like("kept", "ben", "scene", "scene", "2026-06-03T10:00:00Z"),
    like("of the late scene", "ann", "scene", "late scene", "2026-06-03T11:00:00Z"),
    like("taken back", "cy", "idea", "idea", "2026-06-04T10:00:00Z"),
]


def first_delivery(deliver: Callable[..., None]) -> None:
    """Some rows are about what is not there yet: an idea, scenes, a segment."""
    deliver(
        "2026-06-05",
        users=[user(name) for name in ("ann", "ben", "cy")],
        ideas=[idea("idea", "ann", "wrecks"), idea("plain", "ann", None)],
        scenes=[scene("scene", "idea", "ben"), scene("early scene", "late idea", "cy")],
        segments=[
            segment("second", "scene", "ann", "2026-06-02T12:00:00Z"),
            segment("of the late scene", "late scene", "ann", "2026-06-03T12:00:00Z"),
        ],
        jobs=[
            job("retried", "failed", "video_generation", "2026-06-02T10:00:00Z", **FAILED),
            job("working", "processing", "script_expansion", "2026-06-03T10:00:00Z", started_at="2026-06-03T10:00:05Z"),
            job("misdated", "queued", "pending", "2026-06-04T10:00:00Z"),
        ],
        scene_views=[
            view("after midnight", "scene", "ann", "2026-06-03T00:05:00Z"),
            view("of early scene", "early scene", None, "2026-06-03T00:05:00Z"),
        ],
        likes=LIKES,
        moderation_flags=[flag("flag", "segment", "late segment", "2026-06-04T12:00:00Z")],
    )


def second_delivery(deliver: Callable[..., None]) -> None:
    """What was missing comes late; a like is taken back, a failed job is retried."""
    deliver(
        "2026-06-06",
        ideas=[idea("late idea", "ann", "storms")],
        scenes=[scene("late scene", "plain", "cy")],
        segments=[
            segment("first", "scene", "ann", "2026-06-01T12:00:00Z"),
            segment("late segment", "early scene", "ben", "2026-06-04T11:00:00Z"),
        ],
        jobs=[job("retried", "queued", "pending", "2026-06-02T10:00:00Z", retry_count=1)],
        scene_views=[view("before midnight", "scene", "ann", "2026-06-02T23:50:00Z")],
        likes=[*LIKES[:2], like("given since", "cy", "scene", "scene", "2026-06-05T10:00:00Z")],
    )


def third_delivery(deliver: Callable[..., None]) -> None:
    """What is there is corrected, and a delivery of jobs comes that is older than all."""
    deliver(
        "2026-06-04",
        jobs=[job("working", "preview_ready", "upload", "2026-06-03T10:00:00Z", started_at="2026-06-03T10:00:05Z")],
    )
    deliver(
        "2026-06-07",
        ideas=[idea("idea", "ann", "ghosts", "2026-06-06T10:00:00Z", status="hidden")],
        scenes=[scene("late scene", "plain", "ben", "2026-06-06T10:00:00Z", status="removed")],
        segments=[
            segment("first", "scene", "ben", "2026-06-01T12:00:00Z"),
            segment("second", "scene", "ann", "2026-06-02T12:00:00Z", status="removed"),
        ],
        jobs=[job("misdated", "queued", "pending", "2026-06-03T09:00:00Z")],
        likes=[],
    )


def categories(builds: Builds) -> dict[str, str | None]:
    return dict(builds.fetch("select event_id, category_id from marts.fct_events where system = 'storyforge'"))


def scores(builds: Builds, board: str) -> dict[str, int]:
    query = "select entity_id, score from marts.leaderboards where system = 'storyforge' and score > 0 and board = "
    return {entity: int(score) for entity, score in builds.fetch(f"{query}'{board}'")}


def firsts(builds: Builds) -> dict[tuple[str, str], str]:
    """The day of a person's first segment of each scene."""
    return {
        (entity, person): day
        for entity, person, day in builds.fetch("""
            select entity_id, contributor_id, (first_added_at at time zone 'UTC')::date::text
            from marts.storyforge_contributions where entity_type = 'scene'
        """)
    }


def sessions(builds: Builds) -> list[tuple[Any, ...]]:
    return builds.fetch(f"""
        select day::text, sessions from marts.storyforge_scene_views_daily where scene_id = '{key("scene")}' order by 1
    """)


def queued(builds: Builds) -> dict[str, int]:
    return dict(
        builds.fetch("""
            select queued_on::text, sum(jobs)::int from marts.storyforge_job_funnel_daily where step = 'queued'
            group by 1
        """)
    )


def test_builds_follow_late_corrected_and_vanished_rows(builds: Builds, deliver: Callable[..., None]) -> None:
    first_delivery(deliver)
    assert categories(builds)[f"segment_added:{key('second')}"] == key("wrecks")
    assert categories(builds)[f"scene_viewed:{key('of early scene')}"] is None
    assert f"job_ended:{key('retried')}" in categories(builds)
    assert scores(builds, "creator_likes") == {key("ann"): 1, key("ben"): 1}
    assert sessions(builds) == [("2026-06-03", 1)]

    second_delivery(deliver)
    assert "storyforge" not in builds.whole_systems()
    assert categories(builds)[f"scene_viewed:{key('of early scene')}"] == key("storms")
    assert categories(builds)[f"flag_raised:{key('flag')}"] == key("storms")
    assert {f"job_ended:{key('retried')}", f"like_given:{key('taken back')}"}.isdisjoint(categories(builds))
    assert scores(builds, "creator_likes") == {key("ben"): 2, key("cy"): 1}
    assert scores(builds, "creator_contributors") == {key("ben"): 1, key("cy"): 2}
    assert firsts(builds)[key("scene"), key("ann")] == "2026-06-01"
    assert sessions(builds) == [("2026-06-02", 1), ("2026-06-03", 0)]

    third_delivery(deliver)
    assert categories(builds)[f"segment_added:{key('second')}"] == key("ghosts")
    assert scores(builds, "creator_likes") == {}
    assert scores(builds, "creator_contributors") == {key("ben"): 1, key("cy"): 1}
    assert firsts(builds)[key("scene"), key("ann")] == "2026-06-02"
    assert queued(builds) == {"2026-06-02": 1, "2026-06-03": 2}
    stages = builds.fetch(f"select stage from marts.storyforge_job_stage_durations where job_id = '{key('working')}'")
    assert ("upload",) in stages

    piece_by_piece = builds.checksums()
    builds.build_whole()
    assert piece_by_piece == builds.checksums()


def test_what_was_only_looked_at_touches_its_own_day_alone(builds: Builds, deliver: Callable[..., None]) -> None:
    first_delivery(deliver)
    deliver(
        "2026-06-06",
        ideas=[idea("idea", "ann", "wrecks", "2026-06-05T10:00:00Z", view_count=1)],
        scenes=[scene("scene", "idea", "ben", "2026-06-05T10:00:00Z", view_count=1)],
        scene_views=[view("another", "scene", "cy", "2026-06-05T10:00:00Z")],
        likes=LIKES,
    )

    assert builds.fetch("select event_id from building.touched_storyforge__likes") == []
    assert builds.fetch("select target_id from building.touched_storyforge__targets") == []
    assert builds.fetch("select distinct day::text from building.touched_score_days where system = 'storyforge'") == [
        ("2026-06-05",)
    ]
