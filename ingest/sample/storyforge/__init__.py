"""StoryForge, simulated: people post ideas, open and continue scenes, view and like them; staff look after the rest.

Obeys E-01 to E-20, with what naive checks mistake for errors: likes taken back, two segments from one version of a
bible, segments whose jobs were archived, failed jobs that succeed a day later, views that arrive late.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from ingest.sample.outbox import Outbox, Period, Row, instants, uuid4
from ingest.sample.storyforge.jobs import Pipeline, add_segment
from ingest.sample.storyforge.moderation import Moderation
from ingest.sample.storyforge.world import TOPICS, World

_TABLES = {"idea": "ideas", "scene": "scenes"}


def simulate(outbox: Outbox, period: Period, rng: random.Random, scale: int) -> None:
    """Write `period` of the system's life into `outbox`, `scale` times as busy as one small community."""
    world = World(outbox, period, rng)
    pipeline, crowd, moderation = Pipeline(world), _Crowd(world), Moderation(world)
    _begin(world, moderation, scale)
    per_day: tuple[tuple[float, Callable[[datetime], object]], ...] = (
        (1.2, world.join),
        (10, crowd.log_in),
        (1.5, crowd.post_idea),
        (2, crowd.open_scene),
        (50, pipeline.submit),
        (235, crowd.view),
        (62, crowd.like_or_unlike),
        (1.5, moderation.report),
        (0.15, moderation.suggest_topic),
        (0.4, moderation.hide_segment),
        (0.2, moderation.lock_scene),
    )
    for rate, action in per_day:
        for at in instants(period.start, period.end, round(rate * period.days * scale), rng):
            world.schedule(at, action)
    world.run()


def _begin(world: World, moderation: Moderation, scale: int) -> None:
    """What is there before the period: staff and users, topics, ideas, and old scenes whose jobs were archived."""
    start, rng = world.period.start, world.rng
    for role in ("admin", "admin", "moderator", "moderator", "moderator"):
        world.join(start - timedelta(days=500), role)
    for at in instants(start - timedelta(days=400), start - timedelta(days=1), 145 * scale, rng):
        world.join(at)
    for name in TOPICS:
        world.make_topic(name, start - timedelta(days=420), is_curated=True)
    for at in instants(start - timedelta(days=300), start - timedelta(days=285), 3 * scale, rng):
        _archived_scene(world, at)
    for at in instants(start - timedelta(days=200), start - timedelta(days=20), 40 * scale, rng):
        world.let_through(world.post_idea(at), at)
    for at in instants(start - timedelta(days=20), start, 30 * scale, rng):
        world.open_new_scene(rng.choice(world.ideas), at)
    for days in (12, 11, 10, 9):
        moderation.suggest_topic(start - timedelta(days=days))


def _archived_scene(world: World, at: datetime) -> None:
    """A scene of nine months ago: its segments are kept, its jobs left with their partition."""
    idea = world.post_idea(at)
    world.let_through(idea, at)
    scene = world.open_new_scene(idea, at + timedelta(hours=1))
    for number in range(world.rng.randint(3, 6)):
        added_at = world.after(at + timedelta(days=number + 1), 0, 3600)
        author = world.someone(at)["id"]
        add_segment(world, scene, author, uuid4(world.rng), scene["bible_version"], added_at)


class _Crowd:
    """What users do, each method one act at one instant."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rng = world.rng

    def log_in(self, at: datetime) -> None:
        """A sign-in, which changes the user's row."""
        user = self.world.someone(at)
        user["last_login_at"] = at
        self.world.touch("users", user, at)

    def post_idea(self, at: datetime) -> None:
        """An idea, let through or rejected within half a day."""
        idea = self.world.post_idea(at)
        decision = "approved" if self.rng.random() < 0.93 else "rejected"
        self.world.schedule(
            self.world.after(at, 600, 40_000), lambda when: self.world.let_through(idea, when, decision)
        )

    def open_scene(self, at: datetime) -> None:
        """A scene of one of the public ideas."""
        public = [
            idea for idea in self.world.ideas if idea["status"] == "active" and idea["moderation_status"] == "approved"
        ]
        self.world.open_new_scene(self.rng.choice(public), at)

    def view(self, at: datetime) -> None:
        """A view, anonymous or not; one signed-in viewer in eight comes back within the quarter of an hour."""
        scene = self.world.recent(self.world.scenes, 1.4)
        viewer = None if self.rng.random() < 0.35 else self.world.someone(at, 1.3)["id"]
        self._write_view(scene, viewer, at)
        if viewer and self.rng.random() < 0.12:
            self.world.schedule(self.world.after(at, 20, 900), lambda when: self._write_view(scene, viewer, when))

    def _write_view(self, scene: Row, viewer: UUID | None, at: datetime) -> None:
        """One view in 25 is flushed a day or two late, and the counters see it only then."""
        late_days = self.rng.randint(1, 2) if self.rng.random() < 0.04 else 0
        view: Row = {"id": uuid4(self.rng), "scene_id": scene["id"], "user_id": viewer, "created_at": at}
        self.world.outbox.add("scene_views", view, at, late_days)
        counted_at = min(at + timedelta(days=late_days), self.world.period.end - timedelta(milliseconds=1))
        self.world.schedule(counted_at, lambda when: self._count_view(scene, when))

    def _count_view(self, scene: Row, at: datetime) -> None:
        scene["view_count"] += 1
        self.world.touch("scenes", scene, at)
        if self.rng.random() < 0.3:  # the idea's page was seen on the way
            idea = self.world.by_id[scene["idea_id"]]
            idea["view_count"] += 1
            self.world.touch("ideas", idea, at)

    def like_or_unlike(self, at: datetime) -> None:
        """Mostly a new like; one act in ten takes an old one back, and leaves no row behind."""
        likes = self.world.likes
        if likes and self.rng.random() < 0.1:
            return self._unlike(self.rng.choice(list(likes)), at)
        target_type = "scene" if self.rng.random() < 0.75 else "idea"
        rows = self.world.scenes if target_type == "scene" else self.world.ideas
        toggle = (self.world.someone(at, 1.1)["id"], target_type, self.world.recent(rows, 1.3)["id"])
        if toggle in likes:
            return self._unlike(toggle, at)
        like: Row = dict(zip(("user_id", "target_type", "target_id"), toggle, strict=True))
        likes[toggle] = like | {"id": uuid4(self.rng), "created_at": at}
        self.world.outbox.put("likes", likes[toggle], at)
        self._count_like(target_type, toggle[2], 1, at)

    def _unlike(self, toggle: tuple[UUID, str, UUID], at: datetime) -> None:
        self.world.outbox.remove("likes", self.world.likes.pop(toggle), at)
        self._count_like(toggle[1], toggle[2], -1, at)

    def _count_like(self, target_type: str, target_id: UUID, change: int, at: datetime) -> None:
        target = self.world.by_id[target_id]
        target["like_count"] += change
        self.world.touch(_TABLES[target_type], target, at)
