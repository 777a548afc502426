"""Violations of E-03 in a simulated StoryForge, as a pipeline that is not one transaction would leave them."""

import random
from datetime import timedelta
from uuid import UUID

from ingest.sample.outbox import Fault, Outbox, Row


def plant(outbox: Outbox, rng: random.Random) -> list[Fault]:
    """Break the bond of some jobs and their segments; every job that E-03 must name is returned."""
    jobs = {record.row["id"]: record.row for record in outbox.latest("jobs")}
    segments = {record.row["job_id"]: record.row for record in outbox.latest("segments")}
    lost, robbed, doubled, swapped, early, forgotten = rng.sample(_finished(jobs), 6)
    unfinished = rng.choice([key for key, job in jobs.items() if job["status"] in ("cancelled", "failed")])

    _drop(outbox, "segments", segments[lost]["id"])
    segments[robbed]["job_id"] = doubled
    strangers = [record.row["id"] for record in outbox.latest("users")]
    jobs[swapped]["user_id"] = rng.choice([user for user in strangers if user != jobs[swapped]["user_id"]])
    jobs[early]["completed_at"] = jobs[early]["completed_at"] - timedelta(minutes=10)
    _drop(outbox, "jobs", forgotten)
    jobs[unfinished] |= {"status": "final_ready", "stage": "completed", "progress": 100}
    planted = {
        lost: "its segment was never written",
        robbed: "its segment bears another job",
        doubled: "it bears a second segment",
        swapped: "it belongs to another user than its segment",
        early: "it ended ten minutes before its segment came",
        forgotten: "it was never delivered, but its segment was",
        unfinished: "it is said to have finished, without a segment",
    }
    return [Fault("E-03", "storyforge", str(job_id), what) for job_id, what in planted.items()]


def _finished(jobs: dict[UUID, Row]) -> list[UUID]:
    """Finished jobs, none of them from the first day: what came before the first job may have been archived."""
    first = min(job["created_at"] for job in jobs.values())
    return [
        key
        for key, job in jobs.items()
        if job["status"] == "final_ready" and job["created_at"] > first + timedelta(days=1)
    ]


def _drop(outbox: Outbox, table: str, key: UUID) -> None:
    outbox.records[table] = [record for record in outbox.records[table] if record.row["id"] != key]
