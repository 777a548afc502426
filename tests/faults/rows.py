"""The rows that deliveries are made of: a few tables of every load mode, what their rows say, and how rows break.

A row is a function of its key and version, so the same key and version say the same in every file, and another version
of the same key says something else. Append tables spread over several months, versions of a key even across two.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

FIRST_MONTH = datetime(2026, 1, 1, tzinfo=UTC)
DELIVERY_DAYS = tuple(date(2026, 6, day) for day in (1, 2, 3))


@dataclass(frozen=True)
class Kit:
    """How to make rows of one table: `row(key, version)`, and what breaks one: (rule, column, text or None)."""

    row: Callable[[int, int], dict[str, Any]]
    breaks: tuple[tuple[str, str, str | None], ...]
    versions: int


def kits() -> dict[str, Kit]:
    """Table by table; the names are `system.table`."""
    return {
        "advert_market.ledger_entries": Kit(_ledger_entry, _LEDGER_BREAKS, 3),
        "synapse.event_lake": Kit(_lake_event, _LAKE_BREAKS, 3),
        "storyforge.jobs": Kit(_job, _JOB_BREAKS, 8),
        "funpot.users": Kit(_user, _USER_BREAKS, 8),
        "funpot.wallet_accounts": Kit(_wallet, _WALLET_BREAKS, 8),
        "funpot.config": Kit(_setting, _SETTING_BREAKS, 8),
    }


def version_of(kit: Kit, mode: str, draw: random.Random) -> int:
    """History rarely contradicts itself; rows that may change often do."""
    return 0 if mode == "append" and draw.random() < 0.9 else draw.randrange(kit.versions)


def _instant(key: int, version: int) -> datetime:
    """Some instant of one of six months, to the microsecond; another version may lie in another month."""
    month = FIRST_MONTH.replace(month=1 + (key + version // 2) % 6)
    return month + timedelta(hours=key, microseconds=key * 7919 + version)


_NOT_AN_INSTANT = "2026-02-30T00:00:00Z"
_NO_ZONE = "2026-05-31 23:59:59"


def _ledger_entry(key: int, version: int) -> dict[str, Any]:
    return {
        "id": UUID(int=key),
        "tx_ref": UUID(int=10_000 + key // 2),
        "account_id": f"USER_{key % 5}",
        "direction": "DEBIT" if key % 2 else "CREDIT",
        "amount_nano": 2**53 + key + version,
        "deal_id": UUID(int=20_000 + key) if key % 3 else None,
        "description": [None, "plain", 'a "quote", a comma', "two\nlines"][key % 4],
        "created_at": _instant(key, version),
    }


_LEDGER_BREAKS = (
    ("type", "amount_nano", "five"),
    ("type", "amount_nano", str(2**63)),
    ("type", "created_at", _NO_ZONE),
    ("type", "created_at", _NOT_AN_INSTANT),
    ("required", "tx_ref", None),
    ("length", "direction", "SIDEWAYS"),
    ("window", "created_at", "1969-12-31T23:59:59Z"),
    ("window", "created_at", "2027-01-01T00:00:00Z"),
)


def _lake_event(key: int, version: int) -> dict[str, Any]:
    return {
        "id": 2**40 + key,
        "guild_id": 9_007_199_254_740_993,
        "user_id": 100 + key % 7,
        "event_type": ("message", "voice", "reaction")[key % 3],
        "channel_id": key % 4 or None,
        "target_id": None,
        "payload": {"n": key, "v": version, "tags": ["a", 'b"c']} if key % 5 else None,
        "source_id": f"s-{key}" if key % 2 else None,
        "timestamp": _instant(key, version),
    }


_LAKE_BREAKS = (
    ("type", "id", "x"),
    ("type", "user_id", "1.5"),
    ("required", "event_type", None),
    ("window", "timestamp", "1999-12-31T23:59:59Z"),
)


def _job(key: int, version: int) -> dict[str, Any]:
    started = _instant(key, version)
    status = ("queued", "processing", "preview_ready", "final_ready", "failed")[version % 5]
    return {
        "id": UUID(int=key),
        "scene_id": UUID(int=30_000 + key),
        "user_id": UUID(int=40_000 + key % 5),
        "type": "expand",
        "status": status,
        "stage": "completed" if status == "final_ready" else "pending",
        "progress": version * 10,
        "message": None,
        "input_text": f"scene {key}, draft {version}",
        "bible_version": 1,
        "context_data": {"draft": version},
        "result_data": None,
        "error_code": "E1" if status == "failed" else None,
        "error_message": None,
        "retry_count": version % 3,
        "max_retries": 3,
        "created_at": started,
        "started_at": started + timedelta(minutes=1),
        "completed_at": None,
        "idempotency_key": f"job-{key}",
    }


_JOB_BREAKS = (
    ("enum", "status", "nope"),
    ("required", "scene_id", None),
    ("type", "progress", "1.5"),
    ("window", "created_at", "1999-12-31T23:59:59Z"),
)


def _user(key: int, version: int) -> dict[str, Any]:
    return {
        "id": UUID(int=key),
        "tg_user_id": 2**33 + key,
        "nickname": f"user {key}",
        "language": ("en", "sv", None)[version % 3],
        "roles": ["viewer", 'odd "one"'][: 1 + version % 2],
        "created_at": FIRST_MONTH + timedelta(days=key),
    }


_USER_BREAKS = (
    ("type", "id", "not-a-uuid"),
    ("type", "tg_user_id", "abc"),
    ("type", "created_at", _NO_ZONE),
)


def _wallet(key: int, version: int) -> dict[str, Any]:
    return {
        "user_id": UUID(int=key),
        "balance_int": 1000 * key + version,
        "updated_at": FIRST_MONTH + timedelta(days=key, hours=version),
    }


_WALLET_BREAKS = (
    ("required", "balance_int", None),
    ("type", "balance_int", "12 points"),
    ("type", "updated_at", "yesterday"),
)


def _setting(key: int, version: int) -> dict[str, Any]:
    return {
        "key": f"setting-{key}",
        "value_json": {"is": version},
        "updated_at": FIRST_MONTH + timedelta(hours=key),
    }


_SETTING_BREAKS = (
    ("required", "key", None),
    ("type", "updated_at", _NOT_AN_INSTANT),
)
