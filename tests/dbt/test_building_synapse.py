"""Synapse's counters compared piece by piece: firsts of a kind, and days that pass without a row of their members."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.builds import Builds
from tests.dbt.members import GUILD, Row, counter, member, message, reward

SEASON = {
    "id": 2,
    "guild_id": GUILD,
    "name": "spring",
    "starts_at": "2026-03-01T00:00:00Z",
    "ends_at": "2026-07-01T00:00:00Z",
    "active": True,
}
MEMBERS = {1: "bystander", 2: "early", 3: "purged", 4: "awaited", 5: "newcomer"}


@pytest.fixture
def deliver(builds: Builds, tmp_path: Path) -> Callable[..., None]:
    """Delivers rows of some tables and builds what they touch."""
    return partial(builds.deliver_and_build, tmp_path, "synapse")


def stats(user_id: int, stars: int) -> Row:
    return {"user_id": user_id, "season_id": 2, "season_stars": stars, "lifetime_stars": stars, "messages_sent": stars}


def causes(builds: Builds, counter: str) -> dict[str, Any]:
    """Why each member's counter differs from ours; members whom it is not compared for are left out."""
    rows = builds.fetch(f"select subject, cause from marts.counter_reconciliation where counter = '{counter}'")
    return {MEMBERS[int(subject.removeprefix("user:"))]: cause for subject, cause in rows}


def test_a_counter_is_compared_anew_whenever_its_cause_may_be_another(
    builds: Builds, deliver: Callable[..., None]
) -> None:
    lake = [
        message(1, 1, "2026-06-01T10:00:00Z"),
        message(2, 2, "2026-06-01T11:00:00Z"),
        message(3, 3, "2026-03-05T10:00:00Z"),
        message(4, 3, "2026-06-01T12:00:00Z"),
    ]
    deliver(
        "2026-06-02",
        seasons=[SEASON],
        users=[member(user_id, 0) for user_id in MEMBERS],
        user_stats=[stats(1, 1), stats(2, 1)],
        event_lake=lake,
    )
    assert builds.fetch("select * from marts.counter_reconciliation") == []

    # The first counter ever is of one member, and all the others lack theirs since.
    deliver("2026-06-03", event_counters=[counter(1, "lifetime", 1)])
    assert "synapse" not in builds.whole_systems()
    lacking = dict.fromkeys(("early", "purged"), "missing counter")
    assert causes(builds, "message_create lifetime") == {"bystander": None} | lacking
    assert causes(builds, "message_create day:2026-03-05") == {"purged": "missing counter"}

    counted = [counter(3, "lifetime", 1), counter(4, "day:2026-06-01", 1)]
    deliver("2026-06-04", event_counters=counted)
    assert causes(builds, "message_create lifetime")["purged"] == "events not counted"
    assert causes(builds, "message_create day:2026-06-01")["awaited"] == "late events"
    assert causes(builds, "season_stars season:2") == {}

    # The first reward ever is of one member, and the stars of all the others are held against the log since.
    deliver("2026-06-05", activity_log=[reward(1, 1, "2026-06-01T10:00:00Z", season_id=2)])
    assert "synapse" not in builds.whole_systems()
    assert causes(builds, "season_stars season:2") == {"bystander": None, "early": "missing events"}

    # One message of June 4th: June 1st is complete now, and of March 5th the source remembers nothing.
    deliver("2026-06-06", event_lake=[message(5, 5, "2026-06-04T10:00:00Z")])
    assert "synapse" not in builds.whole_systems()
    assert causes(builds, "message_create day:2026-06-01")["awaited"] == "missing events"
    assert causes(builds, "message_create day:2026-03-05") == {}
    assert causes(builds, "message_create lifetime")["purged"] == "retention_truncation"

    deliver("2026-06-07", event_lake=[message(6, 4, "2026-06-01T13:00:00Z")])
    assert causes(builds, "message_create day:2026-06-01")["awaited"] is None

    piece_by_piece = builds.checksums()
    builds.build_whole()
    assert piece_by_piece == builds.checksums()


def test_a_quest_changes_what_those_completed_before_might_give(builds: Builds, deliver: Callable[..., None]) -> None:
    excess = "select amount from marts.reconciliation_breaks where rule_id = 'D-14'"
    quest = {"id": 1, "guild_id": GUILD, "xp_reward": 50, "status": "open"}
    completed = reward(1, 1, "2026-06-01T10:00:00Z") | {"event_type": "QUEST_COMPLETE", "xp_delta": 100}
    deliver("2026-06-02", quests=[quest], activity_log=[completed])
    assert builds.fetch(excess) == [(50,)]
    assert builds.fetch("select moved, explained from marts.money_trust_daily where unit = 'XP'") == [(100, 0)]

    deliver(
        "2026-06-03", quests=[quest | {"id": 2, "xp_reward": 90}], activity_log=[reward(2, 1, "2026-06-02T10:00:00Z")]
    )
    assert "synapse" not in builds.whole_systems()
    assert builds.fetch(excess) == [(10,)]

    deliver("2026-06-04", quests=[quest | {"id": 2, "xp_reward": 100}])
    assert "synapse" not in builds.whole_systems()
    assert builds.fetch(excess) == []
    assert builds.fetch("select distinct explained_share from marts.money_trust_daily where unit = 'XP'") == [(1,)]

    piece_by_piece = builds.checksums()
    builds.build_whole()
    assert piece_by_piece == builds.checksums()
