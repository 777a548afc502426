"""The operational database of a simulated StoryForge: its rows, the clock that drives them, and how each row begins.

What people do with the rows is `storyforge`; how a job becomes a segment is `storyforge_jobs`.
"""

import heapq
import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from ingest.sample.outbox import Outbox, Period, Row, uuid4

TOPICS = {
    "Deep Sea": ("Explorers", "Creatures", "Wrecks"),
    "Old Cities": ("Markets", "Rooftops", "Underground"),
    "First Contact": ("Signals", "Visitors", "Translators"),
    "Small Magic": ("Kitchens", "Gardens", "Letters"),
    "Night Trains": ("Passengers", "Stations", "Cargo"),
    "Weather": ("Storms", "Droughts", "Snow"),
}
_WHO = ("a diver", "the mapmaker", "two sisters", "an old radio", "the night guard", "a lost robot", "the baker")
_DOES = ("follows", "hides", "repairs", "remembers", "trades", "wakes", "misreads")
_WHAT = ("a blue door", "the last signal", "a paper boat", "the wrong key", "an unwritten song", "the tide", "a twin")
_TAGS = ("quiet", "epic", "funny", "dark", "short")


def phrase(rng: random.Random) -> str:
    """A short sentence for titles, prompts and continuations."""
    return f"{rng.choice(_WHO)} {rng.choice(_DOES)} {rng.choice(_WHAT)}"


@dataclass
class World:
    """All rows as they stand, and the queue of what happens next."""

    outbox: Outbox
    period: Period
    rng: random.Random
    users: list[Row] = field(default_factory=list)
    topics: list[Row] = field(default_factory=list)
    categories: list[Row] = field(default_factory=list)
    ideas: list[Row] = field(default_factory=list)
    scenes: list[Row] = field(default_factory=list)
    segments: list[Row] = field(default_factory=list)
    by_id: dict[UUID, Row] = field(default_factory=dict)
    likes: dict[tuple[UUID, str, UUID], Row] = field(default_factory=dict)
    contributors: dict[UUID, dict[UUID, None]] = field(default_factory=dict)
    summaries: dict[UUID, Row] = field(default_factory=dict)
    jobs_in_flight: dict[UUID, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._queue: list[tuple[datetime, int, Callable[[datetime], object]]] = []
        self._order = count()

    def schedule(self, at: datetime, action: Callable[[datetime], object]) -> None:
        """Let `action` happen at an instant; after the period nothing happens."""
        if at < self.period.end:
            heapq.heappush(self._queue, (at, next(self._order), action))

    def run(self) -> None:
        """Let everything scheduled happen, in the order of time."""
        while self._queue:
            at, _, action = heapq.heappop(self._queue)
            action(at)

    def after(self, at: datetime, low_s: float, high_s: float) -> datetime:
        """An instant between `low_s` and `high_s` seconds after `at`, to the millisecond."""
        return at + timedelta(milliseconds=int(self.rng.uniform(low_s, high_s) * 1000))

    def touch(self, table: str, row: Row, at: datetime) -> None:
        """Write the changed row; what changed before the period arrives with its first day."""
        row["updated_at"] = at
        self.outbox.put(table, row, max(at, self.period.start))

    def someone(self, at: datetime, skew: float = 2.0) -> Row:
        """A user who has joined and is not banned; the longest here are far more active than most."""
        joined = bisect_right(self.users, at, key=lambda user: user["created_at"])
        while True:
            user = self.users[int(joined * self.rng.random() ** skew)]
            if user["is_active"]:
                return user

    def staff(self) -> Row:
        """A moderator or administrator."""
        return self.rng.choice([user for user in self.users[:5] if user["role"] != "user"])

    def open_scene(self) -> Row | None:
        """A scene that takes segments, most often a recent one; None when chance finds none."""
        for _ in range(8):
            scene = self.recent(self.scenes, 1.6)
            if scene["status"] == "active":
                return scene
        return None

    def recent(self, rows: list[Row], skew: float) -> Row:
        """One of the rows, most often a recent one."""
        return rows[-1 - int(len(rows) * self.rng.random() ** skew)]

    def join(self, at: datetime, role: str = "user") -> Row:
        """A new user."""
        number = len(self.users) + 1
        user: Row = {
            "id": uuid4(self.rng),
            "username": f"teller{number:05d}",
            "display_name": f"Teller {number}" if self.rng.random() < 0.8 else None,
            "avatar_url": f"https://cdn.example/avatars/{number}.png" if self.rng.random() < 0.5 else None,
            "bio": phrase(self.rng) if self.rng.random() < 0.3 else None,
            "role": role,
            "email_verified": self.rng.random() < 0.9,
            "is_active": True,
            "created_at": at,
            "last_login_at": at,
        }
        self.users.append(user)
        self.by_id[user["id"]] = user
        self.touch("users", user, at)
        return user

    def make_topic(self, name: str, at: datetime, is_curated: bool) -> Row:
        """A new topic, with the categories that are listed for it."""
        topic: Row = {
            "id": uuid4(self.rng),
            "name": name,
            "slug": name.lower().replace(" ", "-"),
            "description": f"Stories about {name.lower()}.",
            "icon_url": None,
            "is_curated": is_curated,
            "is_active": True,
            "display_order": len(self.topics),
            "scene_count": 0,
            "created_at": at,
        }
        self.topics.append(topic)
        self.by_id[topic["id"]] = topic
        self.touch("topics", topic, at)
        for order, category in enumerate(TOPICS.get(name, ())):
            self._make_category(topic, category, order, at)
        return topic

    def _make_category(self, topic: Row, name: str, order: int, at: datetime) -> None:
        category: Row = {
            "id": uuid4(self.rng),
            "topic_id": topic["id"],
            "name": name,
            "slug": name.lower(),
            "description": None,
            "display_order": order,
            "is_active": True,
            "created_at": at,
        }
        self.categories.append(category)
        self.outbox.put("categories", category, max(at, self.period.start))

    def post_idea(self, at: datetime) -> Row:
        """A new idea that waits to be let through."""
        topic = self.rng.choice(self.topics)
        choices = [category for category in self.categories if category["topic_id"] == topic["id"]]
        idea: Row = {
            "id": uuid4(self.rng),
            "user_id": self.someone(at)["id"],
            "topic_id": topic["id"],
            "category_id": self.rng.choice(choices)["id"] if choices and self.rng.random() < 0.85 else None,
            "title": phrase(self.rng).capitalize(),
            "prompt": f"What if {phrase(self.rng)}?",
            "tags": sorted(self.rng.sample(_TAGS, self.rng.randint(0, 3))) or None,
            "status": "active",
            "moderation_status": "pending",
            "scene_count": 0,
            "like_count": 0,
            "view_count": 0,
            "created_at": at,
        }
        self.ideas.append(idea)
        self.by_id[idea["id"]] = idea
        self.touch("ideas", idea, at)
        return idea

    def let_through(self, idea: Row, at: datetime, decision: str = "approved") -> None:
        """The staff's decision about a new idea."""
        idea["moderation_status"] = decision
        self.touch("ideas", idea, at)

    def open_new_scene(self, idea: Row, at: datetime) -> Row:
        """A new scene of an idea, with the first version of its bible; counted by the idea and its topic."""
        scene: Row = {
            "id": uuid4(self.rng),
            "idea_id": idea["id"],
            "user_id": self.someone(at)["id"],
            "topic_id": idea["topic_id"],
            "title": phrase(self.rng).capitalize(),
            "description": phrase(self.rng) if self.rng.random() < 0.5 else None,
            "status": "active",
            "segment_count": 0,
            "total_duration": 0,
            "contributor_count": 0,
            "view_count": 0,
            "like_count": 0,
            "thumbnail_url": None,
            "bible_version": 1,
            "created_at": at,
            "last_segment_at": None,
        }
        self.scenes.append(scene)
        self.by_id[scene["id"]] = scene
        self.touch("scenes", scene, at)
        self.write_bible(scene, None, at)
        for table, row in (("ideas", idea), ("topics", self.by_id[idea["topic_id"]])):
            row["scene_count"] += 1
            self.touch(table, row, at)
        return scene

    def write_bible(self, scene: Row, segment: Row | None, at: datetime) -> None:
        """The current version of a scene's continuity notes, and the segment that led to it."""
        bible: Row = {
            "id": uuid4(self.rng),
            "scene_id": scene["id"],
            "version": scene["bible_version"],
            "data": {
                "version": scene["bible_version"],
                "characters": [{"entityId": "char_1", "canonicalName": "The Teller"}],
                "setting": {"primaryLocation": scene["title"]},
                "timeline": {"currentPoint": f"after segment {scene['segment_count']}"},
            },
            "created_at": at,
            "created_by_segment_id": segment["id"] if segment else None,
        }
        self.outbox.add("scene_bibles", bible, max(at, self.period.start))
