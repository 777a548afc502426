"""Violations of E-03 in a simulated StoryForge, as a pipeline that is not one transaction would leave them.

They break no other rule: scenes keep their segments, and jobs the marks of a finished one.
"""

import random
from datetime import timedelta
from uuid import UUID

from ingest.sample.outbox import Fault, Outbox, Row


def plant(outbox: Outbox, rng: random.Random) -> list[Fault]:
    """Break the bond of some jobs and their segments; every job that E-03 must name is returned."""
    jobs = {record.row["id"]: record.row for record in outbox.latest("jobs")}
    segments = {record.row["job_id"]: record.row for record in outbox.latest("segments")}
    slow = [key for key in _finished(jobs) if _seconds_until(segments[key], jobs[key]) > 61]
    robbed, doubled, swapped, early, forgotten = rng.sample(slow, 5)

    segments[robbed]["job_id"] = doubled
    strangers = [record.row["id"] for record in outbox.latest("users")]
    jobs[swapped]["user_id"] = rng.choice([user for user in strangers if user != jobs[swapped]["user_id"]])
    jobs[early]["completed_at"] = jobs[early]["started_at"]
    outbox.records["jobs"] = [record for record in outbox.records["jobs"] if record.row["id"] != forgotten]
    planted = {
        robbed: "its segment bears another job",
        doubled: "it bears a second segment",
        swapped: "it belongs to another user than its segment",
        early: "it ended over a minute before its segment came",
        forgotten: "it was never delivered, but its segment was",
    }
    return [Fault("E-03", "storyforge", str(job_id), what) for job_id, what in planted.items()]


def _seconds_until(segment: Row, job: Row) -> float:
    """How long after the start of its job a segment came."""
    return float((segment["created_at"] - job["started_at"]).total_seconds())


def _finished(jobs: dict[UUID, Row]) -> list[UUID]:
    """Finished jobs, none of them from the first day: what came before the first job may have been archived."""
    first = min(job["created_at"] for job in jobs.values())
    return [
        key
        for key, job in jobs.items()
        if job["status"] == "final_ready" and job["created_at"] > first + timedelta(days=1)
    ]
