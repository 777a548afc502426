"""Stays in voice rooms of the Synapse sample: join, ticks, move, leave."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ingest.sample.synapse.bot import Bot
from ingest.sample.synapse.guilds import Channel, Guild

_TICK_MINUTES = 10


@dataclass
class Stay:
    """One member's stay, from join to leave; the room changes with a move."""

    guild: Guild
    user_id: int
    room: Channel
    session: str
    idle: bool
    minutes: float


@dataclass
class VoiceRooms:
    """Who is in a voice room, and until when."""

    bot: Bot
    occupied_until: dict[int, datetime] = field(default_factory=dict)
    present: int = 0

    def enter(self, at: datetime, guild: Guild, user_id: int) -> None:
        """Begin a stay and plan the rest of it. One in twelve only idles, muted and deaf, and earns nothing."""
        # An hour between stays keeps any rolling hour at six ticks or fewer.
        if user_id in self.occupied_until and at < self.occupied_until[user_id] + timedelta(hours=1):
            return
        rng = self.bot.rng
        idle = rng.random() < 1 / 12
        minutes = rng.uniform(60, 540) if idle else min(50.0, 2 + rng.expovariate(1 / 7))
        stay = Stay(guild, user_id, rng.choice(guild.voice_rooms), f"{rng.getrandbits(48):012x}", idle, minutes)
        self.present += 1
        self.occupied_until[user_id] = at + timedelta(minutes=minutes)
        self._capture(at, "voice_join", stay, {"channel_id": str(stay.room.id)}, "join")
        if not idle:
            self._plan_ticks(at, stay)
        if rng.random() < 0.18:
            self.bot.later(at, rng.uniform(0.2, 0.8) * minutes * 60, self._move, stay)
        self.bot.later(at, minutes * 60, self._leave, stay)

    def _plan_ticks(self, at: datetime, stay: Stay) -> None:
        """The bot ticks at fixed minutes for everybody present, so many ticks share a second and none has a key."""
        step = timedelta(minutes=_TICK_MINUTES)
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        tick = midnight + (at - midnight) // step * step + timedelta(seconds=7)
        ticks = []
        while tick < self.occupied_until[stay.user_id]:
            if tick >= at:
                ticks.append(tick)
            tick += step
        if len(ticks) == 1 and self.bot.rng.random() < 0.02:
            ticks *= 2  # the bot reconnected and ran its round twice: two equal rows, both of them counted
        for tick in ticks:
            self.bot.agenda.at(tick, self._tick, stay)

    def _tick(self, at: datetime, stay: Stay) -> None:
        metadata = {
            "voice_channel": stay.room.name,
            "tick_minutes": _TICK_MINUTES,
            "member_count": self.present,
        }
        self.bot.rewards.reward(at, "VOICE_TICK", stay.guild.id, stay.user_id, 10, 1, metadata)

    def _move(self, at: datetime, stay: Stay) -> None:
        origin = stay.room
        stay.room = self.bot.rng.choice([room for room in stay.guild.voice_rooms if room != origin])
        payload = {"from_channel_id": str(origin.id), "to_channel_id": str(stay.room.id)}
        self._capture(at, "voice_move", stay, payload, f"move-{int(at.timestamp())}")

    def _leave(self, at: datetime, stay: Stay) -> None:
        self.present -= 1
        # A restart of the bot forgets when a stay began: its duration is then zero.
        seconds = 0 if self.bot.rng.random() < 0.01 else int(stay.minutes * 60)
        self._capture(at, "voice_leave", stay, {"channel_id": str(stay.room.id), "duration_seconds": seconds}, "leave")

    def _capture(self, at: datetime, event_type: str, stay: Stay, payload: dict[str, Any], suffix: str) -> None:
        if event_type != "voice_move":
            payload |= {"self_mute": stay.idle, "self_deaf": stay.idle}
        key = f"{stay.user_id}-{stay.session}-{suffix}"
        who = stay.guild.id, stay.user_id
        self.bot.lake.capture(at, event_type, *who, payload | {"is_afk": stay.idle}, stay.room.id, source_id=key)
