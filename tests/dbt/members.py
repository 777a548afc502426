"""Rows of Synapse's members for tests: what they wrote, what they got for it, and what the source says it counted."""

from typing import Any

Row = dict[str, Any]

GUILD = 7


def message(number: int, user_id: int, at: str) -> Row:
    return {
        "id": number,
        "guild_id": GUILD,
        "user_id": user_id,
        "event_type": "message_create",
        "channel_id": 70,
        "target_id": None,
        "payload": {"length": 5, "content": "hello"},
        "source_id": str(number),
        "timestamp": at,
    }


def counter(user_id: int, period: str, count: int) -> Row:
    key = {"user_id": user_id, "event_type": "message_create", "category_id": 0, "period": period}
    return key | {"count": count}


def member(user_id: int, messages: int) -> Row:
    names = dict.fromkeys(("discord_name", "discord_avatar_hash", "github_username"))
    at = "2026-01-01T00:00:00Z"
    totals = {"xp": 15 * messages, "level": 1, "gold": 0}
    return {"id": user_id} | names | totals | {"created_at": at, "updated_at": at}


def reward(number: int, user_id: int, at: str, season_id: int | None = None) -> Row:
    return {
        "id": number,
        "user_id": user_id,
        "event_type": "MESSAGE",
        "season_id": season_id,
        "category_id": None,
        "source_system": "discord",
        "source_event_id": str(number),
        "xp_delta": 15,
        "star_delta": 1,
        "metadata": {"length": 5},
        "timestamp": at,
    }
