"""The two guilds of the Synapse sample: channels, categories, weights, settings, achievements. No events."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from ingest.sample.outbox import Outbox, Row

DISCORD_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
ADMIN = 176_400_211_355_140_096
LAKE_TYPES = (
    "message_create",
    "reaction_add",
    "reaction_remove",
    "thread_create",
    "voice_join",
    "voice_leave",
    "voice_move",
    "member_join",
    "member_leave",
)
_BUILDERS, _ARCADE = 1_024_513_577_062_400_001, 1_101_770_942_668_800_017
# guild, category, its text channels, XP weight of a message there; no category: channels without one
_CHANNELS = (
    (_BUILDERS, "Lobby", ("welcome", "general", "introductions"), "1.0"),
    (_BUILDERS, "Workshop", ("code-review", "help", "showcase"), "1.5"),
    (_BUILDERS, None, ("off-topic",), "1.0"),
    (_ARCADE, "Matches", ("looking-for-group", "results"), "1.2"),
    (_ARCADE, "Lounge", ("memes", "music", "arcade-general"), "0.75"),
)
_VOICE_ROOMS = {_BUILDERS: ("Pairing", "Stage", "Desk"), _ARCADE: ("Squad 1", "Squad 2", "Couch")}


@dataclass(frozen=True)
class Channel:
    """A text channel or voice room, with what its category is worth."""

    id: int
    name: str
    category_id: int | None
    xp_multiplier: Decimal


@dataclass(frozen=True)
class Guild:
    """One Discord guild."""

    id: int
    text_channels: tuple[Channel, ...]
    voice_rooms: tuple[Channel, ...]
    achievements: tuple[Row, ...]


def snowflake(at: datetime, number: int) -> int:
    """The Discord id of something that came to be at `at`; `number` tells things of one millisecond apart."""
    return ((at - DISCORD_EPOCH) // timedelta(milliseconds=1)) << 22 | number


def set_up(outbox: Outbox, at: datetime) -> tuple[Guild, ...]:
    """Write the configuration of both guilds as it stood at `at` and return them."""
    ids = count(1)
    guilds = []
    categories: list[tuple[int, str, str]] = []
    for guild_id in (_BUILDERS, _ARCADE):
        text: list[Channel] = []
        for owner, category, names, weight in _CHANNELS:
            if owner == guild_id:
                category_id = len(categories) + 1 if category else None
                text += [Channel(guild_id + next(ids), name, category_id, Decimal(weight)) for name in names]
                if category:
                    categories.append((guild_id, category, weight))
        rooms = tuple(Channel(guild_id + next(ids), name, None, Decimal(1)) for name in _VOICE_ROOMS[guild_id])
        achievements = tuple(_achievements(guild_id, at))
        guilds.append(Guild(guild_id, tuple(text), rooms, achievements))
    _write_categories(outbox, categories, guilds, at)
    for guild in guilds:
        for achievement in guild.achievements:
            outbox.put("achievement_templates", achievement, at)
    for row in _settings(at):
        outbox.put("settings", row, at)
    return tuple(guilds)


def _write_categories(
    outbox: Outbox, categories: list[tuple[int, str, str]], guilds: list[Guild], at: datetime
) -> None:
    # The last one has been given up and holds no channel: such rows exist and must not count for anything.
    for category_id, (guild_id, name, weight) in enumerate([*categories, (_ARCADE, "Archive", "1.0")], 1):
        row = {
            "id": category_id,
            "guild_id": guild_id,
            "name": name,
            "description": None,
            "created_by": ADMIN,
        }
        outbox.put("categories", row | {"active": name != "Archive", "created_at": at}, at)
        weights = {"xp_multiplier": Decimal(weight), "star_multiplier": Decimal("1.0")}
        row = {"id": category_id, "category_id": category_id, "interaction_type": "MESSAGE"}
        outbox.put("category_multipliers", row | weights, at)
    for guild in guilds:
        for channel in guild.text_channels:
            if channel.category_id:
                outbox.put("category_channels", {"category_id": channel.category_id, "channel_id": channel.id}, at)


def _achievements(guild_id: int, at: datetime) -> Iterator[Row]:
    first = 1 if guild_id == _BUILDERS else 11
    rewards = (
        ("Regular", "counter_threshold", "messages_sent", 100, 50, 25, "common"),
        ("Voice of the guild", "counter_threshold", "voice_minutes", 240, 75, 25, "uncommon"),
        ("Constellation", "star_threshold", None, 150, 100, 50, "rare"),
        ("Veteran", "xp_milestone", None, 3000, 150, 100, "epic"),
        ("Helping hand", "custom", None, None, 150, 0, "uncommon"),
    )
    for number, (name, kind, watched, value, xp, gold, rarity) in enumerate(rewards, first):
        yield {
            "id": number,
            "guild_id": guild_id,
            "name": name,
            "description": None,
            "category": "social",
            "requirement_type": kind,
            "requirement_scope": "lifetime" if kind == "xp_milestone" else "season",
            "requirement_field": watched,
            "requirement_value": value,
            "xp_reward": xp,
            "gold_reward": gold,
            "badge_image_url": None,
            "rarity": rarity,
            "announce_channel_id": None,
            "active": True,
            "created_at": at,
        }


def quest(number: int, guild: Guild, status: str, at: datetime) -> Row:
    """One row of the quests table, created at `at`."""
    return {
        "id": number,
        "guild_id": guild.id,
        "title": f"Quest {number}",
        "description": None,
        "xp_reward": 50,
        "gold_reward": 0,
        "status": status,
        "github_issue_url": None,
        "active": True,
        "created_at": at,
    }


def _settings(at: datetime) -> Iterator[Row]:
    values = {
        "voice_tick_minutes": ("10", "economy"),
        "level_base_xp": ("100", "economy"),
        "gold_per_level_up": ("50", "economy"),
        "message_cooldown_seconds": ("30", "anti_gaming"),
        "max_reactions_per_author": ("3", "anti_gaming"),
        "quality_long_message": ("1.5", "quality"),
        "leaderboard_page_size": ("20", "display"),
        "event_lake.retention_days": ("90", "event_lake"),
    }
    values |= {f"event_lake.source.{kind}.enabled": ("true", "event_lake") for kind in LAKE_TYPES}
    for key, (value, category) in values.items():
        yield setting(key, value, category, at)


def setting(key: str, value: str, category: str, at: datetime) -> Row:
    """One row of the settings table."""
    return {"key": key, "value_json": value, "category": category, "description": None, "updated_at": at}
