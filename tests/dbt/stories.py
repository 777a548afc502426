"""Rows of StoryForge, written by hand: what a test does not say of a row is as of any other."""

from typing import Any
from uuid import UUID, uuid5

NAMES = UUID(int=4)
MAY = "2026-05-01T00:00:00Z"
Row = dict[str, Any]


def key(name: str) -> str:
    """A UUID that is the same wherever the name is the same."""
    return str(uuid5(NAMES, name))


def user(name: str) -> Row:
    flags = {"role": "user", "email_verified": True, "is_active": True}
    return {"id": key(name), "username": name, "created_at": MAY, "updated_at": MAY} | flags


def idea(name: str, author: str, category: str | None, updated_at: str = MAY, **changes: Any) -> Row:
    return {
        "id": key(name),
        "user_id": key(author),
        "topic_id": key("topic"),
        "category_id": category and key(category),
        "title": name,
        "prompt": name,
        "status": "active",
        "moderation_status": "approved",
        "scene_count": 0,
        "like_count": 0,
        "view_count": 0,
        "created_at": MAY,
        "updated_at": updated_at,
    } | changes


def scene(name: str, of: str, creator: str, updated_at: str = MAY, **changes: Any) -> Row:
    counters = ("segment_count", "total_duration", "contributor_count", "view_count", "like_count")
    return (
        {
            "id": key(name),
            "idea_id": key(of),
            "user_id": key(creator),
            "topic_id": key("topic"),
            "title": name,
            "status": "active",
            "bible_version": 1,
            "created_at": "2026-05-02T00:00:00Z",
            "updated_at": updated_at,
        }
        | dict.fromkeys(counters, 0)
        | changes
    )


def segment(name: str, of: str, contributor: str, at: str, **changes: Any) -> Row:
    texts = dict.fromkeys(("input_text", "expanded_script", "video_url"), name)
    return (
        {
            "id": key(name),
            "scene_id": key(of),
            "user_id": key(contributor),
            "job_id": key(f"job of {name}"),
            "sequence": 1,
            "duration": 8,
            "bible_version": 1,
            "status": "active",
            "created_at": at,
        }
        | texts
        | changes
    )


def job(name: str, status: str, stage: str, at: str, **changes: Any) -> Row:
    return {
        "id": key(name),
        "scene_id": key("scene"),
        "user_id": key("ann"),
        "type": "continuation",
        "status": status,
        "stage": stage,
        "progress": 0,
        "input_text": name,
        "bible_version": 1,
        "retry_count": 0,
        "max_retries": 3,
        "created_at": at,
    } | changes


def like(name: str, by: str, target_type: str, target: str, at: str) -> Row:
    return {"id": key(name), "user_id": key(by), "target_type": target_type, "target_id": key(target), "created_at": at}


def view(name: str, of: str, by: str | None, at: str) -> Row:
    return {"id": key(name), "scene_id": key(of), "user_id": by and key(by), "created_at": at}


def flag(name: str, target_type: str, target: str, at: str) -> Row:
    told = {"reason": "spam", "status": "pending"}
    return {"id": key(name), "target_type": target_type, "target_id": key(target), "created_at": at} | told
