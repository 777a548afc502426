"""Two Discord guilds as Synapse records them: members come, write, talk and go, day by day.

What they do is in `synapse_chat`, `synapse_voice` and `synapse_admins`; what the bot keeps of it in `synapse_lake` and
`synapse_rewards`. All of it runs on one agenda in order of time, so both streams number their rows as the bot would.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

from ingest.sample.outbox import Outbox, Period, instants
from ingest.sample.synapse.admins import Admins
from ingest.sample.synapse.bot import Bot
from ingest.sample.synapse.chat import Chat
from ingest.sample.synapse.guilds import Guild, set_up
from ingest.sample.synapse.lake import RETENTION_DAYS, EventLake
from ingest.sample.synapse.rewards import RewardPipeline
from ingest.sample.synapse.voice import VoiceRooms

_DAY = timedelta(days=1)
_MEMBERS, _MESSAGES_A_DAY, _STAYS_A_DAY = 220, 250, 90
_PILOT_DAYS, _PILOT_SHARE = 7, 0.2


def simulate(outbox: Outbox, period: Period, rng: Random, scale: int) -> None:
    """Write `period` of both guilds into `outbox`; `scale` multiplies the members and what they do.

    The historical delivery also brings a pilot week, the oldest its lake still held. As the daily deliveries follow,
    the source purges that week and its weekly reconciliation shrinks the lifetime counters; the delivered rows stay.
    """
    start = min(period.start, period.start + (period.history_days - RETENTION_DAYS) * _DAY)
    guilds = set_up(outbox, start)
    achievements_of = {guild.id: guild.achievements for guild in guilds}
    bot = Bot(rng, EventLake(outbox, rng), RewardPipeline(outbox, dict.fromkeys(achievements_of), achievements_of))
    community = Community(bot, guilds, scale)
    community.settle(start)
    Admins(outbox, bot, guilds, period).plan()
    for number in range((period.end - start).days):
        day = start + number * _DAY
        before = _PILOT_SHARE if number < _PILOT_DAYS else 0.0
        community.plan(day, before if day < period.start else 1.0)
    bot.agenda.run(period.end)


@dataclass
class Community:
    """Who belongs to which guild, and how much everybody does."""

    bot: Bot
    guilds: tuple[Guild, ...]
    scale: int
    appetite: dict[int, float] = field(default_factory=dict)
    gone: list[tuple[Guild, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chat, self.voice = Chat(self.bot), VoiceRooms(self.bot)

    def settle(self, at: datetime) -> None:
        """The members of old: in the first guild, the second, or (one in eight) both. One in ten only reads."""
        rng = self.bot.rng
        self.bot.members = {guild.id: [] for guild in self.guilds}
        for number in range(_MEMBERS * self.scale):
            user_id = self._enrol(at - timedelta(days=rng.randrange(30, 900)), at)
            self.appetite[user_id] = 1 / (number % _MEMBERS + 8) ** 0.8
            if number % 10 == 9:
                self.appetite[user_id] = 0.0
                self.bot.lurkers.add(user_id)
            share = rng.random()
            for guild, belongs in zip(self.guilds, (share < 0.62, share > 0.5), strict=True):
                if belongs:
                    self.bot.members[guild.id].append(user_id)

    def plan(self, day: datetime, volume: float) -> None:
        """Put one day on the agenda, from midnight to its closing."""
        self.bot.agenda.at(day, self._begin, volume)
        self.bot.agenda.at(day + _DAY - timedelta(milliseconds=1), self._close)

    def _begin(self, day: datetime, volume: float) -> None:
        """Plan what begins on a day; what follows from it is planned as it happens."""
        rng, agenda = self.bot.rng, self.bot.agenda
        if day.weekday() == 6:
            self.bot.lake.reconcile(day)
        weights = {key: list(accumulate(self.appetite[m] for m in ids)) for key, ids in self.bot.members.items()}
        busy = volume * self.scale * rng.uniform(0.85, 1.15) * (1.2 if day.weekday() >= 5 else 1.0)
        for action, number in ((self.chat.write, _MESSAGES_A_DAY), (self.voice.enter, _STAYS_A_DAY)):
            for at in instants(day, day + _DAY, round(busy * number), rng):
                guild = rng.choices(self.guilds, (3, 2))[0]
                member = rng.choices(self.bot.members[guild.id], cum_weights=weights[guild.id])[0]
                agenda.at(at, action, guild, member)
        for at in instants(day, day + _DAY, round(volume) * 3 * self.scale, rng):
            agenda.at(at, self._come if rng.random() < 0.6 else self._go)

    def _close(self, at: datetime) -> None:
        self.bot.lake.close_day(at)
        self.bot.rewards.close_day(at)

    def _come(self, at: datetime) -> None:
        """Somebody joins a guild, for the first time or again."""
        if self.gone and self.bot.rng.random() < 0.8:
            guild, user_id = self.gone.pop(0)
        else:
            guild = self.bot.rng.choice(self.guilds)
            user_id = self._enrol(at - timedelta(days=self.bot.rng.randrange(1, 400)), at)
            self.appetite[user_id] = 0.05
        self.bot.members[guild.id].append(user_id)
        key = f"{user_id}-join-{int(at.timestamp())}"
        payload = {"joined_at": at.isoformat()}
        self.bot.lake.capture(at, "member_join", guild.id, user_id, payload, source_id=key)

    def _go(self, at: datetime) -> None:
        """Somebody leaves a guild: one who only reads, so that nobody acts afterwards; not the five eldest."""
        guild = self.bot.rng.choice(self.guilds)
        readers = [member for member in self.bot.members[guild.id] if member in self.bot.lurkers][5:]
        if not readers:
            return
        user_id = self.bot.rng.choice(readers)
        self.bot.members[guild.id].remove(user_id)
        self.gone.append((guild, user_id))
        key = f"{user_id}-leave-{int(at.timestamp())}"
        self.bot.lake.capture(at, "member_leave", guild.id, user_id, {}, source_id=key)

    def _enrol(self, born: datetime, at: datetime) -> int:
        user_id = self.bot.new_id(born)
        self.bot.rewards.enrol(user_id, f"member-{len(self.appetite) + 1}", at)
        return user_id
