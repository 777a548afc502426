"""What the staff of a simulated StoryForge do: suggested topics, flags and what follows, hiding, locking."""

from datetime import datetime

from ingest.sample.outbox import Row, uuid4
from ingest.sample.storyforge.world import World, phrase

_REPORTED_FOR = (
    "inappropriate_content",
    "copyright_violation",
    "spam",
    "harassment",
    "misinformation",
    "other",
)
_DETECTED_AS = ("violence", "sexual", "hate", "self_harm", "illegal", "spam")
_TABLES = {"idea": "ideas", "scene": "scenes"}
_ACTIONS = {"topic": ("dismiss",), "user": ("dismiss", "warn_user", "ban_user")}
_ACTIONS_ON_CONTENT = ("dismiss", "dismiss", "warn_user", "remove_content")


class Moderation:
    """The queue of the staff of one world, each method one act at one instant."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rng = world.rng

    def suggest_topic(self, at: datetime) -> None:
        """A topic that a user would like; staff decide within three days."""
        number = len(self.world.outbox.records["user_topics"]) + 1
        suggestion: Row = {
            "id": uuid4(self.rng),
            "user_id": self.world.someone(at)["id"],
            "name": f"{phrase(self.rng).title()} {number}",
            "description": phrase(self.rng),
            "status": "pending",
            "reviewed_by": None,
            "reviewed_at": None,
            "rejection_reason": None,
            "promoted_to_topic_id": None,
            "created_at": at,
        }
        self.world.outbox.put("user_topics", suggestion, max(at, self.world.period.start))
        decided_at = self.world.after(at, 20_000, 200_000)
        self.world.schedule(decided_at, lambda when: self._decide_topic(suggestion, when))

    def _decide_topic(self, suggestion: Row, at: datetime) -> None:
        """Approved topics are mostly promoted: a topic of their own that is not curated."""
        suggestion |= {"status": "approved", "reviewed_by": self.world.staff()["id"], "reviewed_at": at}
        chance = self.rng.random()
        if chance < 0.4:
            suggestion |= {"status": "rejected", "rejection_reason": "too close to an existing topic"}
        elif chance < 0.8:
            promoted = self.world.make_topic(suggestion["name"], at, is_curated=False)
            suggestion["promoted_to_topic_id"] = promoted["id"]
        self.world.outbox.put("user_topics", suggestion, max(at, self.world.period.start))

    def hide_segment(self, at: datetime) -> None:
        """A contributor hides a segment; it keeps its place and stays counted."""
        segment = self.rng.choice(self.world.segments)
        if segment["status"] == "active":
            segment["status"] = "hidden"
            self.world.outbox.put("segments", segment, at)

    def lock_scene(self, at: datetime) -> None:
        """A scene takes no more segments; not while a job works on it, whose segment would come after the lock."""
        scene = self.world.open_scene()
        if scene and not self.world.jobs_in_flight.get(scene["id"]):
            scene["status"] = "locked"
            self.world.touch("scenes", scene, at)

    def report(self, at: datetime) -> None:
        """A flag, by a user or by the automatic detection; staff decide within two days."""
        target_type = self.rng.choices(("idea", "scene", "segment", "user", "topic"), (3, 4, 4, 2, 1))[0]
        detected = self.rng.random() < 0.3
        flag: Row = {
            "id": uuid4(self.rng),
            "target_type": target_type,
            "target_id": self._something(target_type)["id"],
            "reporter_id": None if detected else self.world.someone(at)["id"],
            "reason": self.rng.choice(_DETECTED_AS if detected else _REPORTED_FOR),
            "description": None if detected else phrase(self.rng),
            "status": "pending",
            "reviewed_by": None,
            "reviewed_at": None,
            "action_taken": None,
            "notes": None,
            "created_at": at,
        }
        self.world.outbox.put("moderation_flags", flag, at)
        decided_at = self.world.after(at, 3_000, 150_000)
        if self.rng.random() < 0.5:
            self.world.schedule(at + (decided_at - at) / 2, lambda when: self._take_up(flag, when))
        self.world.schedule(decided_at, lambda when: self._decide(flag, when))

    def _something(self, target_type: str) -> Row:
        world = self.world
        rows = {
            "idea": world.ideas,
            "scene": world.scenes,
            "segment": world.segments,
            "user": [user for user in world.users if user["role"] == "user"],
            "topic": world.topics,
        }
        return self.rng.choice(rows[target_type])

    def _take_up(self, flag: Row, at: datetime) -> None:
        flag["status"] = "reviewing"
        self.world.outbox.put("moderation_flags", flag, at)

    def _decide(self, flag: Row, at: datetime) -> None:
        action = self.rng.choice(_ACTIONS.get(flag["target_type"], _ACTIONS_ON_CONTENT))
        flag |= {"status": "dismissed" if action == "dismiss" else "resolved", "action_taken": action}
        flag |= {"reviewed_by": self.world.staff()["id"], "reviewed_at": at}
        self.world.outbox.put("moderation_flags", flag, at)
        target = self.world.by_id[flag["target_id"]]
        if action == "ban_user":
            target["is_active"] = False
            self.world.touch("users", target, at)
        elif action == "remove_content":
            target["status"] = "removed"
            if flag["target_type"] == "segment":
                self.world.outbox.put("segments", target, at)
            else:
                self.world.touch(_TABLES[flag["target_type"]], target, at)
