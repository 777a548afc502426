"""How a simulated StoryForge job becomes a segment, fails, is retried or is cancelled: the pipeline's own states."""

import hashlib
from datetime import datetime
from uuid import UUID

from ingest.sample.outbox import Row, uuid4
from ingest.sample.storyforge.world import World, phrase

# status, stage, progress, and how many seconds the stage takes
_STEPS = (
    ("processing", "script_expansion", 0, (3.0, 9.0)),
    ("script_ready", "continuity_validation", 25, (1.0, 4.0)),
    ("continuity_checked", "video_generation", 50, (35.0, 110.0)),
    ("preview_ready", "upload", 85, (4.0, 12.0)),
    ("preview_ready", "finalization", 95, (1.0, 3.0)),
)
_BACKOFF_SECONDS = (5, 10, 20, 20, 20)
_CONTINUITY_STEP, _GENERATION_STEP, _UPLOAD_STEP = 1, 2, 3
# Failures stay under the 10 % of all jobs that the product alarms at.
_FATES = ("done", "cancelled", "contradiction", "retried", "exhausted")
_FATE_WEIGHTS = (86, 4, 3, 4, 3)


class Pipeline:
    """The workers behind the job table of one world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def submit(self, at: datetime, scene: Row | None = None, fate: str | None = None) -> None:
        """Ask for a segment; now and then somebody else asks before the first one is done, at the same bible."""
        world = self.world
        scene = scene or world.open_scene()
        if scene is None or scene["status"] != "active":
            return
        if fate is None:
            fate = world.rng.choices(_FATES, _FATE_WEIGHTS)[0]
            if world.rng.random() < 0.03:
                world.schedule(world.after(at, 5, 20), lambda when: self.submit(when, scene, "done"))
        job = self._queue(scene, at)
        if fate == "cancelled":
            world.schedule(world.after(at, 0.2, 1), lambda when: self._cancel(job, when))
        else:
            world.schedule(world.after(at, 1, 40), lambda when: self._advance(job, 0, fate, when))

    def _queue(self, scene: Row, at: datetime) -> Row:
        world = self.world
        user, text = world.someone(at), phrase(world.rng)
        is_first = scene["segment_count"] == 0 and not world.jobs_in_flight.get(scene["id"])
        words = f"{user['id']} {scene['id']} {at.isoformat()} {text}"
        job: Row = {
            "id": uuid4(world.rng),
            "scene_id": scene["id"],
            "user_id": user["id"],
            "type": "scene_creation" if is_first and world.rng.random() < 0.7 else "continuation",
            "status": "queued",
            "stage": "pending",
            "progress": 0,
            "message": None,
            "input_text": text,
            "bible_version": scene["bible_version"],
            "context_data": None,
            "result_data": None,
            "error_code": None,
            "error_message": None,
            "retry_count": 0,
            "max_retries": 5 if world.rng.random() < 0.1 else 3,
            "created_at": at,
            "started_at": None,
            "completed_at": None,
            "idempotency_key": hashlib.sha256(words.encode()).hexdigest() if world.rng.random() < 0.9 else None,
        }
        world.jobs_in_flight[scene["id"]] = world.jobs_in_flight.get(scene["id"], 0) + 1
        world.outbox.put("jobs", job, at)
        return job

    def _advance(self, job: Row, step: int, fate: str, at: datetime) -> None:
        world = self.world
        if step == len(_STEPS):
            return self._finalise(job, at)
        status, stage, progress, seconds = _STEPS[step]
        job |= {"status": status, "stage": stage, "progress": progress, "message": stage.replace("_", " ")}
        if step == 0:
            job["started_at"] = at
            job["context_data"] = {"sceneBible": {"version": job["bible_version"]}, "recentSegments": []}
        world.outbox.put("jobs", job, at)
        failing = {"contradiction": _CONTINUITY_STEP, "retried": _UPLOAD_STEP, "exhausted": _GENERATION_STEP}
        ended = world.after(at, *seconds)
        if failing.get(fate) == step:
            world.schedule(ended, lambda when: self._fail(job, fate, when))
        else:
            world.schedule(ended, lambda when: self._advance(job, step + 1, fate, when))

    def _fail(self, job: Row, fate: str, at: datetime) -> None:
        """Contradictions wait for their author, who may write again the next day; other failures are retried."""
        world = self.world
        code = "CONTINUITY_VIOLATION" if fate == "contradiction" else "GENERATION_FAILED"
        job |= {
            "status": "failed",
            "error_code": code,
            "error_message": f"{job['stage']} failed",
            "completed_at": at,
        }
        if world.rng.random() < 0.75:
            job["stage"] = "error"  # otherwise the stage that failed is kept
        world.outbox.put("jobs", job, at)
        if fate != "contradiction" and job["retry_count"] < job["max_retries"]:
            backoff = _BACKOFF_SECONDS[job["retry_count"]]
            next_fate = fate if fate == "exhausted" else "done"
            world.schedule(world.after(at, backoff, backoff + 1), lambda when: self._retry(job, next_fate, when))
            return
        self._leave(job)
        if fate == "contradiction" and world.rng.random() < 0.5:
            world.schedule(world.after(at, 8 * 3600, 30 * 3600), lambda when: self._rewrite(job, when))

    def _rewrite(self, job: Row, at: datetime) -> None:
        if self.world.by_id[job["scene_id"]]["status"] == "active":
            self.world.jobs_in_flight[job["scene_id"]] += 1
            job["input_text"] = phrase(self.world.rng)
            self._retry(job, "done", at)

    def _retry(self, job: Row, fate: str, at: datetime) -> None:
        job |= {"status": "queued", "stage": "pending", "progress": 0, "message": None, "error_code": None}
        job |= {
            "error_message": None,
            "started_at": None,
            "completed_at": None,
            "retry_count": job["retry_count"] + 1,
        }
        self.world.outbox.put("jobs", job, at)
        self.world.schedule(self.world.after(at, 1, 5), lambda when: self._advance(job, 0, fate, when))

    def _cancel(self, job: Row, at: datetime) -> None:
        job |= {"status": "cancelled", "completed_at": at, "message": "cancelled by the user"}
        self.world.outbox.put("jobs", job, at)
        self._leave(job)

    def _finalise(self, job: Row, at: datetime) -> None:
        """One transaction: the job's end, its segment, and everything the scene says about it."""
        world, scene = self.world, self.world.by_id[job["scene_id"]]
        segment = add_segment(world, scene, job["user_id"], job["id"], job["bible_version"], at)
        job |= {
            "status": "final_ready",
            "stage": "completed",
            "progress": 100,
            "completed_at": at,
            "message": None,
        }
        job["result_data"] = {
            "segmentId": str(segment["id"]),
            "videoUrl": segment["video_url"],
            "thumbnailUrl": segment["thumbnail_url"],
            "duration": segment["duration"],
            "bibleVersion": scene["bible_version"],
        }
        world.outbox.put("jobs", job, at)
        self._leave(job)

    def _leave(self, job: Row) -> None:
        self.world.jobs_in_flight[job["scene_id"]] -= 1


def add_segment(world: World, scene: Row, user_id: UUID, job_id: UUID, bible_version: int, at: datetime) -> Row:
    """A new segment at the end of a scene, with the scene's counters, its next bible and, in time, its summary."""
    key, duration = uuid4(world.rng), world.rng.randint(4, 30)
    video = f"https://cdn.example/segments/{key}"
    segment: Row = {
        "id": key,
        "scene_id": scene["id"],
        "user_id": user_id,
        "job_id": job_id,
        "sequence": scene["segment_count"] + 1,
        "input_text": phrase(world.rng),
        "expanded_script": f"{phrase(world.rng).capitalize()}. {phrase(world.rng).capitalize()}.",
        "video_url": f"{video}.mp4",
        "hls_playlist_url": f"{video}.m3u8" if world.rng.random() < 0.8 else None,
        "thumbnail_url": f"{video}.jpg",
        "duration": duration,
        "resolution": world.rng.choice(("720p", "1080p")),
        "file_size": duration * world.rng.randint(300_000, 600_000) if world.rng.random() < 0.97 else None,
        "bible_version": bible_version,
        "status": "active",
        "created_at": at,
    }
    world.segments.append(segment)
    world.by_id[key] = segment
    world.outbox.put("segments", segment, max(at, world.period.start))
    contributors = world.contributors.setdefault(scene["id"], {})
    contributors[user_id] = None
    scene["segment_count"] += 1
    scene["total_duration"] += duration
    scene["bible_version"] += 1
    scene |= {
        "contributor_count": len(contributors),
        "thumbnail_url": segment["thumbnail_url"],
        "last_segment_at": at,
    }
    world.touch("scenes", scene, at)
    world.write_bible(scene, segment, at)
    if scene["segment_count"] >= 8 and scene["segment_count"] % 4 == 0:
        _summarise(world, scene, at)
    return segment


def _summarise(world: World, scene: Row, at: datetime) -> None:
    """Compress all but the newest two segments; the summary grows with the scene."""
    new: Row = {"id": uuid4(world.rng), "scene_id": scene["id"], "created_at": at}
    summary = world.summaries.setdefault(scene["id"], new)
    summary["segments_covered"] = list(range(1, scene["segment_count"] - 1))
    summary["summary"] = f"Up to segment {scene['segment_count'] - 2}: {phrase(world.rng)}."
    world.touch("scene_summaries", summary, at)
