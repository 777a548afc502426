"""The reward pipeline of the Synapse sample: journal, XP, levels, gold, stars, achievements. The lake is elsewhere."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from ingest.sample.outbox import Outbox, Row
from ingest.sample.synapse.guilds import ADMIN

GOLD_PER_LEVEL = 50
_COUNTER_OF = {
    "MESSAGE": "messages_sent",
    "REACTION_GIVEN": "reactions_given",
    "REACTION_RECEIVED": "reactions_received",
    "THREAD_CREATE": "threads_created",
}
_COUNTERS = (*_COUNTER_OF.values(), "voice_minutes")


def threshold(level: int) -> int:
    """XP in all that ends a level: floor(100 · 1.25^level)."""
    return int(100 * 5**level // 4**level)


def least_xp(level: int) -> int:
    """XP in all that a member of a level has at least."""
    return threshold(level - 1) if level > 1 else 0


@dataclass
class RewardPipeline:
    """Keeps the journal and its projections in step; `season_of` holds each guild's active season."""

    outbox: Outbox
    season_of: dict[int, int | None]
    achievements_of: dict[int, tuple[Row, ...]]
    users: dict[int, Row] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stats: dict[tuple[int, int], Row] = {}
        self._ids = count(1)
        self._rewarded: set[str] = set()
        self._earned: set[tuple[int, int]] = set()
        self._changed_users: set[int] = set()
        self._changed_stats: set[tuple[int, int]] = set()
        self._received: dict[tuple[int, int], list[datetime]] = defaultdict(list)

    def enrol(self, user_id: int, name: str, at: datetime) -> None:
        """A member the bot sees for the first time."""
        self.users[user_id] = {
            "id": user_id,
            "discord_name": name,
            "discord_avatar_hash": None,
            "github_username": None,
            "xp": 0,
            "level": 1,
            "gold": 0,
            "created_at": at,
            "updated_at": at,
        }
        self.outbox.put("users", self.users[user_id], at)

    def reward(
        self,
        at: datetime,
        event_type: str,
        guild_id: int,
        user_id: int,
        xp: int,
        stars: int,
        metadata: dict[str, Any],
        category_id: int | None = None,
        source_event_id: str | None = None,
    ) -> None:
        """Book one event of a member, once per source event id; raise level and achievements as it does."""
        if source_event_id in self._rewarded:
            return
        if source_event_id:
            self._rewarded.add(source_event_id)
        self._book(at, event_type, guild_id, user_id, xp, stars, metadata, category_id, source_event_id)
        user = self.users[user_id]
        # One step per event at most: XP from an achievement waits for the next event.
        if xp > 0 and user["xp"] >= threshold(user["level"]):
            levels = {"old_level": user["level"], "new_level": user["level"] + 1}
            self._book(at, "LEVEL_UP", guild_id, user_id, 0, 0, levels)
            user["level"] += 1
            user["gold"] += GOLD_PER_LEVEL
        self._award_what_is_due(at, guild_id, user_id)

    def stars_for_reaction(self, at: datetime, reactor: int, author: int, reactors: int) -> int:
        """Stars an author gets for a reaction: none from a fourth one by the same member within a day."""
        recent = [earlier for earlier in self._received[reactor, author] if (at - earlier).days < 1]
        self._received[reactor, author] = [*recent, at]
        return min(2, reactors) if len(recent) < 3 else 0

    def award(self, at: datetime, guild_id: int, user_id: int, xp: int, stars: int) -> None:
        """An award by hand, negative ones included; it raises no level."""
        metadata = {"admin_id": str(ADMIN), "reason": "event"}
        self._book(at, "MANUAL_AWARD", guild_id, user_id, xp, stars, metadata, source_system="admin")

    def grant(self, at: datetime, user_id: int, achievement: Row, admin_id: int | None) -> None:
        """Give an achievement, automatically or by an admin."""
        self._earned.add((user_id, achievement["id"]))
        metadata = {"achievement_id": achievement["id"], "achievement_name": achievement["name"]}
        metadata |= {"admin_id": str(admin_id)} if admin_id else {}
        source = "admin" if admin_id else "discord"
        xp, guild_id = achievement["xp_reward"], achievement["guild_id"]
        self._book(at, "ACHIEVEMENT_EARNED", guild_id, user_id, xp, 0, metadata, source_system=source)
        self.users[user_id]["gold"] += achievement["gold_reward"]
        row = {
            "user_id": user_id,
            "achievement_id": achievement["id"],
            "earned_at": at,
            "granted_by": admin_id,
        }
        self.outbox.put("user_achievements", row, at)

    def drink_coffee(self, at: datetime, user_id: int) -> None:
        """Spend 50 gold, which no journal shows."""
        user = self.users[user_id]
        if user["gold"] >= GOLD_PER_LEVEL:
            user["gold"] -= GOLD_PER_LEVEL
            user["updated_at"] = at
            self._changed_users.add(user_id)

    def close_day(self, at: datetime) -> None:
        """Write the users and statistics that changed during the day of `at`."""
        for user_id in sorted(self._changed_users):
            self.outbox.put("users", self.users[user_id], at)
        for key in sorted(self._changed_stats):
            self.outbox.put("user_stats", self.stats[key], at)
        self._changed_users.clear()
        self._changed_stats.clear()

    def _book(
        self,
        at: datetime,
        event_type: str,
        guild_id: int,
        user_id: int,
        xp: int,
        stars: int,
        metadata: dict[str, Any],
        category_id: int | None = None,
        source_event_id: str | None = None,
        source_system: str = "discord",
    ) -> None:
        season_id = self.season_of[guild_id]
        row: Row = {
            "id": next(self._ids),
            "user_id": user_id,
            "event_type": event_type,
            "season_id": season_id,
            "category_id": category_id,
            "source_system": source_system,
            "source_event_id": source_event_id,
            "xp_delta": xp,
            "star_delta": stars,
            "metadata": metadata,
            "timestamp": at,
        }
        self.outbox.add("activity_log", row, at)
        user = self.users[user_id]
        user["xp"] += xp
        user["updated_at"] = at
        self._changed_users.add(user_id)
        if season_id is not None:
            self._count(season_id, user_id, event_type, stars, metadata)

    def _count(self, season_id: int, user_id: int, event_type: str, stars: int, metadata: dict[str, Any]) -> None:
        key = user_id, season_id
        if key not in self.stats:
            row: Row = {"user_id": user_id, "season_id": season_id, "season_stars": 0, "lifetime_stars": 0}
            self.stats[key] = row | dict.fromkeys(_COUNTERS, 0)
        stats = self.stats[key]
        stats["season_stars"] += stars
        stats["lifetime_stars"] += stars  # on the same row: the source's career total never leaves the season
        if event_type in _COUNTER_OF:
            stats[_COUNTER_OF[event_type]] += 1
        if event_type == "VOICE_TICK":
            stats["voice_minutes"] += metadata["tick_minutes"]
        self._changed_stats.add(key)

    def _award_what_is_due(self, at: datetime, guild_id: int, user_id: int) -> None:
        season_id = self.season_of[guild_id]
        if season_id is None:
            return
        for achievement in self._open(guild_id, user_id):
            if self._reached(achievement, self.users[user_id], self.stats[user_id, season_id]):
                self.grant(at, user_id, achievement, None)

    def _open(self, guild_id: int, user_id: int) -> Iterable[Row]:
        return [a for a in self.achievements_of[guild_id] if (user_id, a["id"]) not in self._earned]

    @staticmethod
    def _reached(achievement: Row, user: Row, stats: Row) -> bool:
        match achievement["requirement_type"]:
            case "counter_threshold":
                value = stats[achievement["requirement_field"]]
            case "star_threshold":
                value = stats["season_stars"]
            case "xp_milestone":
                value = user["xp"]
            case _:
                return False
        return bool(value >= achievement["requirement_value"])
