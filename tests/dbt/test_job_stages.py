"""How long StoryForge's jobs stay in a stage, told from snapshots alone: the bounds hold what really happened."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from dagster_project import environment
from dagster_project.dbt_runner import invoke
from ingest.contract import System
from ingest.settings import Settings
from tests.conftest import judge
from tests.ingest.zone import Zone, ndjson

BEGIN = datetime(2026, 6, 1, 23, 30, tzinfo=UTC)  # so that jobs run over midnight
STAGES = ("pending", "script_expansion", "continuity_validation", "video_generation", "upload", "finalization")
STATUSES = ("queued", "processing", "script_ready", "continuity_checked", "preview_ready", "preview_ready")
SECONDS = (10, 8, 3, 90, 10, 2)


@dataclass
class Job:
    """One job as it really ran: its states in the order of time, and how long each attempt was in each stage."""

    key: int
    states: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)
    stays: dict[tuple[int, str], tuple[datetime, datetime]] = field(default_factory=dict)

    def state_at(self, at: datetime) -> dict[str, Any] | None:
        """The row as a snapshot of that instant finds it."""
        return next((row for since, row in reversed(self.states) if since <= at), None)


def run_job(key: int, rng: random.Random) -> Job:
    """A job that is cancelled, or fails in any stage of any attempt, keeping the stage's name or not, or finishes."""
    job, at = Job(key), BEGIN + timedelta(milliseconds=rng.randrange(3_600_000))
    row: dict[str, Any] = {name: str(UUID(int=key)) for name in ("id", "scene_id", "user_id")}
    row |= {"type": "continuation", "input_text": "on", "bible_version": 1, "max_retries": 3, "created_at": told(at)}
    for attempt in range(rng.choice((1, 1, 2, 4))):
        row |= {"retry_count": attempt, "started_at": None, "completed_at": None, "error_code": None}
        ends_in = rng.choice((0, 1, 2, 3, 4, 5, 5, 5)) if attempt == 0 else rng.randrange(1, 6)
        for number in range(ends_in + 1):
            row |= {"status": STATUSES[number], "stage": STAGES[number], "progress": 20 * number}
            if number == 1:
                row["started_at"] = told(at)
            job.states.append((at, dict(row)))
            entered, at = at, at + timedelta(milliseconds=rng.randrange(1, 2000 * SECONDS[number]))
            job.stays[attempt, STAGES[number]] = entered, at
        row |= {"completed_at": told(at), "status": "cancelled" if ends_in == 0 else "failed"}
        if ends_in and rng.random() < 0.5:
            row["stage"] = "error"
        if ends_in == 5 and rng.random() < 0.7:
            row |= {"status": "final_ready", "stage": "completed", "progress": 100}
        job.states.append((at, dict(row)))
        if row["status"] != "failed":
            break
        at += timedelta(milliseconds=rng.randrange(1, 10_000))
    return job


def told(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@pytest.fixture
def mart(settings: Settings, database: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """Builds the mart of durations, which alone is not published, and reads it."""
    for name, value in environment.dbt_environment(settings).items():
        monkeypatch.setenv(name, value)

    def build() -> list[dict[str, Any]]:
        with psycopg.connect(database) as connection:
            judge(connection)
        words = ["build", "--select", "+storyforge_job_stage_durations", "--exclude-resource-type", "unit_test"]
        assert invoke(["--no-write-json", *words]).success
        query = """
            select d.*, b.entered_no_earlier_than, b.left_no_earlier_than, b.left_no_later_than
            from building.storyforge_job_stage_durations d
            join intermediate.int_storyforge__job_stages_bounded b using (job_id, attempt, stage)
        """
        with psycopg.connect(database, options="-c timezone=UTC") as reader:
            return reader.cursor(row_factory=psycopg.rows.dict_row).execute(query).fetchall()

    return build


def test_bounds_told_from_snapshots_hold_what_really_happened(
    tmp_path: Path,
    connection: psycopg.Connection,
    systems: tuple[System, ...],
    mart: Callable[[], list[dict[str, Any]]],
) -> None:
    rng = random.Random(11)
    jobs = {str(UUID(int=key)): run_job(key, rng) for key in range(1, 301)}
    snapshots = sorted(BEGIN + timedelta(milliseconds=rng.randrange(5_400_000)) for _ in range(90))
    last = max(at for job in jobs.values() for at, _ in job.states)
    zone, seen = Zone(tmp_path, connection, systems), set()
    for at in (*snapshots, last + timedelta(minutes=1)):
        rows = [row for job in jobs.values() if (row := job.state_at(at))]
        seen |= {(row["id"], row["retry_count"]) for row in rows}
        zone.deliver("storyforge.jobs", ndjson(*rows), f"pull-{at:%Y%m%dT%H%M%S%fZ}-0001.ndjson", f"{at:%Y-%m-%d}")
    assert {load.status for load in zone.load()} == {"loaded"}
    found = mart()

    for told_of in found:
        entered, left = jobs[told_of["job_id"]].stays[told_of["attempt"], told_of["stage"]]
        seconds = Decimal((left - entered) // timedelta(microseconds=1)).scaleb(-6)
        assert told_of["entered_no_earlier_than"] <= entered <= told_of["entered_at"]
        assert told_of["left_no_earlier_than"] <= left <= told_of["left_no_later_than"]
        assert told_of["seconds_at_least"] <= seconds <= told_of["seconds_at_most"]
        if told_of["left_at"]:
            assert told_of["left_no_earlier_than"] <= told_of["left_at"] <= told_of["left_no_later_than"]
    assert {row["stage"] for row in found} == set(STAGES)
    assert {(row["job_id"], row["attempt"]) for row in found if row["stage"] == "pending"} >= {
        (key, attempt) for key, attempt in seen if attempt == 0
    }
    assert sum(row["seconds"] is not None for row in found if row["stage"] == "video_generation") > 20
