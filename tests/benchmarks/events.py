"""Events of synapse.event_lake as a busy bot would capture them: who is active, what happens, how it is told."""

from datetime import UTC, datetime

import numpy as np
import polars as pl

SEED = 20_260_701
USERS, GUILDS, CHANNELS = 50_000, 40, 25
_TYPES = {
    "message_create": 0.50,
    "voice_join": 0.14,
    "voice_leave": 0.14,
    "reaction_add": 0.13,
    "reaction_remove": 0.05,
    "voice_move": 0.02,
    "thread_create": 0.01,
    "member_join": 0.006,
    "member_leave": 0.004,
}
_EMOJI = ["❤️", "🚀", "😂", "👍", "party_parrot:1102", "pepe_sad:1107", "🔥", "👀"]
_NAMES = ["release patch", "build queue", "raid tonight, 20:00", 'the \\"final\\" boss', "Sommerfest für alle", "lfg"]
_SNOWFLAKE = 1_100_000_000_000_000_000
_DAY = 86_400_000_000  # µs


def events(first: int, microseconds: np.ndarray) -> pl.DataFrame:
    """One event for each instant, numbered from `first`: a few arrive minutes late, one in two hundred a day or two."""
    rng = np.random.default_rng((SEED, first))
    drawn = _draw(rng, first, microseconds)
    kind = pl.col("event_type")
    user, channel = pl.col("user_id"), pl.col("channel")
    return drawn.select(
        pl.col("id"),
        pl.col("guild_id"),
        user,
        kind,
        pl.when(kind.str.starts_with("member").not_()).then(channel).alias("channel_id"),
        pl.when(kind == "thread_create")
        .then(channel)
        .when(kind.str.starts_with("reaction") & (pl.col("number") % 5 < 3))
        .then(pl.col("other"))
        .alias("target_id"),
        _payload(kind).alias("payload"),
        _source_id(kind).alias("source_id"),
        pl.col("timestamp"),
    )


def members() -> pl.DataFrame:
    """The users of these events as rows of synapse.users, all of whom joined before the first."""
    ids = _SNOWFLAKE + np.random.default_rng(SEED).permutation(USERS) * 7_919_000_003
    joined = pl.lit(datetime(2025, 1, 1, tzinfo=UTC))
    return pl.DataFrame({"id": ids}).with_columns(
        pl.lit("member").alias("discord_name"),
        *(pl.lit(number).alias(name) for name, number in (("xp", 0), ("level", 1), ("gold", 0))),
        joined.alias("created_at"),
        joined.alias("updated_at"),
    )


def _draw(rng: np.random.Generator, first: int, microseconds: np.ndarray) -> pl.DataFrame:
    """The numbers everything else is told from, in plain columns."""
    n = len(microseconds)
    users = _SNOWFLAKE + np.random.default_rng(SEED).permutation(USERS) * 7_919_000_003
    guild = _zipf(rng, GUILDS, n)
    late = np.where(rng.random(n) < 0.005, rng.integers(1, 3, n) * _DAY, 0)
    stamped = microseconds + rng.integers(-120_000_000, 120_000_000, n) - late
    return pl.DataFrame(
        {
            "id": first + 1 + np.arange(n),
            "guild_id": _SNOWFLAKE + guild * 5_003_000_017,
            "user_id": users[_zipf(rng, USERS, n)],
            "other": users[_zipf(rng, USERS, n)],
            "channel": _SNOWFLAKE + guild * 5_003_000_017 + 1 + _zipf(rng, CHANNELS, n),
            "message": _SNOWFLAKE + (first + np.arange(n)) * 4_194_319 + rng.integers(0, 4_194_304, n),
            "number": (rng.exponential(45, n)).astype(np.int64),
            "flag": rng.random(n) < 0.15,
            "word": rng.integers(0, 2**48, n),
            "timestamp": stamped // 1000 * 1000,
        }
    ).with_columns(
        pl.Series("event_type", np.array(list(_TYPES))[rng.choice(len(_TYPES), n, p=list(_TYPES.values()))]),
        pl.col("timestamp").cast(pl.Datetime("us", "UTC")),
    )


def _zipf(rng: np.random.Generator, size: int, n: int) -> np.ndarray:
    """Ranks from 0 on, each chosen about as often as one over its place: few do most."""
    return np.floor(size ** rng.random(n)).astype(np.int64) - 1


def _payload(kind: pl.Expr) -> pl.Expr:
    number, flag, channel, other = pl.col("number"), _json("flag"), pl.col("channel"), pl.col("other")
    reply = pl.when(pl.col("flag")).then(pl.format('"{}"', other)).otherwise(pl.lit("null"))
    message = '{"length": {}, "has_link": {}, "emoji_count": {}, "reply_to_user_id": {}}'
    told = {
        "message_create": _object(message, number, flag, number % 4, reply),
        "voice_join": _object('{"channel_id": "{}", "self_mute": {}, "is_afk": false}', channel, flag),
        "voice_leave": _object('{"channel_id": "{}", "duration_seconds": {}, "is_afk": {}}', channel, number * 7, flag),
        "voice_move": _object('{"from_channel_id": "{}", "to_channel_id": "{}"}', channel, channel + 1),
        "thread_create": _object('{"name": "{}", "parent_channel_id": "{}"}', _one_of(_NAMES), channel),
        "member_join": _object('{"joined_at": "{}"}', pl.col("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00")),
        "member_leave": pl.lit("{}"),
    }
    reaction = _object('{"emoji_name": "{}", "message_id": "{}"}', _one_of(_EMOJI), pl.col("message"))
    return _by_kind(kind, told, reaction)


def _source_id(kind: pl.Expr) -> pl.Expr:
    user, second = pl.col("user_id"), pl.col("timestamp").dt.epoch("s")
    told = {
        "message_create": pl.col("message").cast(pl.String),
        "thread_create": pl.col("message").cast(pl.String),
        "reaction_add": pl.format("{}-{}-{}", user, pl.col("message"), _one_of(_EMOJI)),
        "reaction_remove": pl.lit(None, pl.String),
        "voice_join": pl.format("{}-{}-join", user, pl.col("word")),
        "voice_leave": pl.format("{}-{}-leave", user, pl.col("word")),
        "voice_move": pl.format("{}-{}-move-{}", user, pl.col("word"), second),
    }
    return _by_kind(kind, told, pl.format("{}-{}-{}", user, kind, second))


def _by_kind(kind: pl.Expr, told: dict[str, pl.Expr], otherwise: pl.Expr) -> pl.Expr:
    chosen: pl.Expr | None = None
    for name, expression in reversed(told.items()):
        chosen = pl.when(kind == name).then(expression).otherwise(otherwise if chosen is None else chosen)
    assert chosen is not None
    return chosen


def _object(pattern: str, *values: pl.Expr) -> pl.Expr:
    """`pattern` with each inner `{}` filled in; its outer braces are the object's own."""
    return pl.concat_str(pl.lit("{"), pl.format(pattern[1:-1], *values), pl.lit("}"))


def _one_of(words: list[str]) -> pl.Expr:
    return (pl.col("word") % len(words)).replace_strict(dict(enumerate(words)), return_dtype=pl.String)


def _json(name: str) -> pl.Expr:
    return pl.when(pl.col(name)).then(pl.lit("true")).otherwise(pl.lit("false"))
