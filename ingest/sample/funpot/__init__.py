"""FunPot simulated: members, streamers, games and settings, and the days on which events are opened and voted on.

Money is in `funpot_wallets`, the life of an event in `funpot_contests`.
"""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from ingest.sample.funpot.contests import Arena, Template
from ingest.sample.funpot.wallets import STARS_RATE, Clock, Wallets
from ingest.sample.outbox import Outbox, Period, Row, instants, uuid4

MEMBERS = 320  # a scale; two in five are there before the period
STREAMERS = 4  # a scale, with two games each
WITHDRAWALS_PER_DAY = 4
_BEFORE_PERIOD = 0.4
_INVITED = 0.35
_EVENING = (10 * 60, 23 * 60 + 50)  # minutes of the day between which events open
_EVENT_SPACING = 10  # minutes; longer than an event, so that a game has one open at a time

_TEMPLATES = (
    Template("Who wins the boss fight?", ("Boss", "Streamer"), 50, {"costPerVote": 50}),
    Template("How does the next round end?", ("Win", "Loss", "Tie"), 40, {"costPerVote": 40, "fee_bps": 500}),
    Template("How many kills?", ("Under 5", "5 to 9", "10 or more"), 50, {"fee_bps": 1000, "payout_step": 10}),
    Template("Last one standing?", ("Red", "Blue", "Green", "Gold"), 25, {"fee_bps": 250, "no_winner": "refund"}),
    Template("First blood?", ("Yes", "No"), 35, {"fee_bps": 0, "payout_step": 5, "no_winner": "house_keeps"}),
    Template("Chat quiz", ("A", "B", "C"), 0, {"costPerVote": 0, "fee_bps": 1000}),
    Template("Which split is fastest?", ("One", "Two", "Three"), 20, ["the fastest time wins"], plain_options=True),
    Template("Photo finish", ("Ann", "Bo", "Cy", "Di"), 33, {"fee_bps": 333, "dead_heat": "split_profit"}),
)
_SINGLE = Template("Will the streamer try again?", ("Yes", "No"), 30, None)


def simulate(outbox: Outbox, period: Period, rng: random.Random, scale: int) -> None:
    """Write the period's rows of every table; one day at scale 1 brings some 200 votes and 300 postings."""
    clock = Clock(period.end)
    wallets = Wallets(outbox, rng, clock)
    platform = Platform(outbox, period, rng, clock, wallets)
    platform.admit_members(MEMBERS * scale)
    platform.write_settings()
    platform.admit_streamers(STREAMERS * scale)
    platform.schedule_days(WITHDRAWALS_PER_DAY * scale)
    clock.run()


@dataclass
class Platform:
    """Who takes part, what is configured, and when things are due."""

    outbox: Outbox
    period: Period
    rng: random.Random
    clock: Clock
    wallets: Wallets
    members: list[UUID] = field(default_factory=list)
    games: list[tuple[UUID, UUID, Template]] = field(default_factory=list)  # streamer, game, template

    def admit_members(self, count: int) -> None:
        """Members join before the period or at some instant of it."""
        before = max(40, int(count * _BEFORE_PERIOD))
        start, end = self.period.start, self.period.end
        for at in instants(start - timedelta(days=200), start, before, self.rng):
            self._join(at, start)
        for at in instants(start, end, count - before, self.rng):
            self.clock.at(at, lambda now: self._join(now, now))

    def _join(self, created_at: datetime, at: datetime) -> None:
        user_id = uuid4(self.rng)
        number = len(self.members)
        user: Row = {
            "id": user_id,
            "tg_user_id": self.rng.randint(10**8, 8 * 10**9),
            "nickname": f"viewer_{number}",
            "language": self.rng.choice(("en", "ru", "de")),
            "roles": ["user", "admin"] if number == 0 else ["user"],
            "created_at": created_at,
        }
        self.outbox.put("users", user, at)
        inviter = self.rng.choice(self.members) if self.members and self.rng.random() < _INVITED else None
        percent = Decimal(self.rng.choice(("5.00", "7.50", "10.00")))
        referral: Row = {
            "user_id": user_id,
            "code": f"R{user_id.hex[:10]}",
            "inviter_user_id": inviter,
            "percent": percent,
            "created_at": created_at,
        }
        self.outbox.put("referrals", referral, at)
        if inviter:
            self.wallets.inviters[user_id] = inviter, percent
        self.wallets.open(user_id, at)
        self.members.append(user_id)
        first_topup = at + timedelta(minutes=self.rng.randint(1, 600))
        self.clock.at(first_topup, lambda now: self.wallets.top_up(user_id, now))
        if self.rng.random() < 0.05:
            renamed = user | {"nickname": f"viewer_{number}_renamed"}
            self.clock.at(at + timedelta(days=2), lambda now: self.outbox.put("users", renamed, now))

    def write_settings(self) -> None:
        """Settings, one of which changes half-way, and the prompts, of which one is replaced then."""
        middle = self.period.start + timedelta(days=self.period.days / 2)
        for key, value, at in (
            ("starsRate", STARS_RATE, self.period.start),
            ("minViewers", 100, self.period.start),
            ("minViewers", 150, middle),
        ):
            self.outbox.put("config", {"key": key, "value_json": value, "updated_at": at}, at)
        for scope, version, status, at in (
            ("session", "v3", "active", self.period.start),
            ("per_clip", "v6", "inactive", self.period.start),
            ("per_clip", "v7", "active", middle),
        ):
            prompt: Row = {
                "id": uuid4(self.rng),
                "scope": scope,
                "streamer_id": None,
                "game_id": None,
                "version": version,
                "body_text": "Propose one question about the next minutes of this stream.",
                "schema_version": "1",
                "status": status,
                "created_by": self.members[0],
                "created_at": at,
            }
            self.outbox.put("prompts", prompt, at)

    def admit_streamers(self, count: int) -> None:
        """`count` streamers with two running games each, and those who were never admitted."""
        for number in range(count):
            streamer_id = self._admit(f"streamer_{number}", "ok")
            for slot in (0, 1):
                template = _TEMPLATES[(2 * number + slot) % len(_TEMPLATES)]
                self.games.append((streamer_id, self._start_game(streamer_id, template, "active"), template))
            for status in ("draft", "paused", "closed")[: 3 if number == 0 else 0]:
                self._start_game(streamer_id, _TEMPLATES[0], status)
        for status in ("pending", "rejected", "banned"):
            self._admit(f"{status}_streamer", status)

    def _admit(self, username: str, status: str) -> UUID:
        streamer: Row = {
            "id": uuid4(self.rng),
            "platform": "twitch",
            "username": username,
            "display_name": username.replace("_", " ").title(),
            "online": status == "ok",
            "viewers": self.rng.randint(200, 9000),
            "status": status,
            "added_by": self.rng.choice(self.members),
            "created_at": self.period.start,
            "updated_at": self.period.start,
        }
        self.outbox.put("streamers", streamer, self.period.start)
        if status == "ok":
            for day in range(1, self.period.days):
                at = self.period.start + timedelta(days=day, hours=9)
                self.outbox.put("streamers", streamer | {"viewers": self.rng.randint(200, 9000), "updated_at": at}, at)
        return UUID(str(streamer["id"]))

    def _start_game(self, streamer_id: UUID, template: Template, status: str) -> UUID:
        game_id = uuid4(self.rng)
        game: Row = {
            "id": game_id,
            "streamer_id": streamer_id,
            "title": template.title,
            "rules_json": template.rules,
            "status": status,
            "start_at": self.period.start,
            "end_at": self.period.start + timedelta(days=1) if status == "closed" else None,
        }
        self.outbox.put("games", game, self.period.start)
        return game_id

    def schedule_days(self, withdrawals: int) -> None:
        """The events and withdrawals of every day, and what is still open when the period ends."""
        arena = Arena(self.outbox, self.rng, self.clock, self.wallets, self.members)
        slots = range(*_EVENING, _EVENT_SPACING)
        for day in range(self.period.days):
            midnight = self.period.start + timedelta(days=day)
            for game in self.games:
                for minute in self.rng.sample(slots, self.rng.choice((1, 1, 2))):
                    self._open_at(arena, *game, midnight + timedelta(minutes=minute))
            single_at = midnight + timedelta(minutes=self.rng.choice(slots))
            self._open_at(arena, self.games[0][0], None, _SINGLE, single_at)
            for at in instants(midnight, midnight + timedelta(days=1), withdrawals, self.rng):
                self.clock.at(at, lambda now: self.wallets.withdraw(self.rng.choice(self.members), now))
        for minutes, game in zip((2, 1, 12), self.games, strict=False):
            self._open_at(arena, *game, self.period.end - timedelta(minutes=minutes))

    def _open_at(self, arena: Arena, streamer_id: UUID, game_id: UUID | None, template: Template, at: datetime) -> None:
        self.clock.at(at, lambda now: arena.open(streamer_id, game_id, template, now))
