"""What admins of the Synapse sample do: seasons, switches, awards, grants, quests, and the trail they leave."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from ingest.sample.outbox import Outbox, Period, Row
from ingest.sample.synapse.bot import Bot
from ingest.sample.synapse.guilds import ADMIN, Guild, quest, setting
from ingest.sample.synapse.rewards import least_xp

_SWITCH = "event_lake.source.reaction_remove.enabled"
_QUESTS = 12


@dataclass
class Admins:
    """One admin's actions over the period; each but gold spent leaves a row in admin_log."""

    outbox: Outbox
    bot: Bot
    guilds: tuple[Guild, ...]
    period: Period

    def __post_init__(self) -> None:
        self._entries = count(1)
        self._seasons: dict[int, Row] = {}

    def plan(self) -> None:
        """Put everything on the agenda. The first season ends after two thirds of the period, at midnight."""
        start, days = self.period.start, self.period.days
        agenda = self.bot.agenda
        builders, arcade = self.guilds
        end = start + timedelta(days=days * 2 // 3)
        agenda.at(start, self._open_season, 1, builders, "Spring", end)
        agenda.at(start, self._open_season, 2, arcade, "Ladder", start + timedelta(days=120))
        # Rolled by hand the next morning: what happens before that belongs to no season by date, and to the old one
        # by the bot's switch.
        agenda.at(end + timedelta(hours=9, minutes=30), self._roll, builders)
        off = start + timedelta(days=days // 3, hours=10)
        agenda.at(off, self._switch, "false")
        agenda.at(off + timedelta(days=max(1, days // 12)), self._switch, "true")
        for number in range(1, _QUESTS + 1):
            self.outbox.put("quests", quest(number, self.guilds[number % 2], "open", start), start)
        self._spread(days // 5 + 1, self._award)
        self._spread(days // 7 + 1, self._sell_coffee)
        self._spread(min(days // 6 + 1, _QUESTS), self._complete_quest)
        self._spread(3, self._silence)
        agenda.at(start + timedelta(days=days // 2, hours=12), self._grant, builders, False)
        # XP in the last hours, without an event after it: the level stays one behind.
        agenda.at(self.period.end - timedelta(hours=2), self._grant, arcade, True)

    def _spread(self, times: int, action: Callable[..., None]) -> None:
        step = (self.period.end - self.period.start - timedelta(hours=5)) / times
        for number in range(times):
            at = self.period.start + timedelta(hours=4) + number * step
            self.bot.agenda.at(at.replace(microsecond=0), action, number)

    def _open_season(self, at: datetime, season_id: int, guild: Guild, name: str, end: datetime) -> None:
        season = {
            "id": season_id,
            "guild_id": guild.id,
            "name": name,
            "starts_at": at,
            "ends_at": end,
            "active": True,
        }
        self._seasons[guild.id] = season
        self.bot.rewards.season_of[guild.id] = season_id
        self.outbox.put("seasons", season, at)
        self._log(at, "CREATE", "seasons", season_id, None, season)

    def _roll(self, at: datetime, guild: Guild) -> None:
        before = self._seasons[guild.id]
        after = before | {"active": False}
        self.outbox.put("seasons", after, at)
        self._log(at, "SEASON_ROLL", "seasons", before["id"], before, after)
        self._open_season(at, 3, guild, "Summer", at + timedelta(days=120))

    def _switch(self, at: datetime, value: str) -> None:
        off = self.bot.lake.switched_off
        before = setting(_SWITCH, "true" if value == "false" else "false", "event_lake", at)
        after = before | {"value_json": value}
        off.add("reaction_remove") if value == "false" else off.discard("reaction_remove")
        self.outbox.put("settings", after, at)
        self._log(at, "UPDATE", "settings", _SWITCH, before, after)

    def _award(self, at: datetime, number: int) -> None:
        """An award by hand. The second goes to somebody who never did anything; every third takes a little away."""
        guild = self.guilds[number % 2]
        user_id, xp, stars = self._somebody(guild), 25 * (number % 4 + 1), number % 4
        if number == 1:
            user_id, xp, stars = self._lurkers(guild)[0], 60, 2
        elif number % 3 == 2:
            well_off = self._well_off(guild)
            if not well_off:
                return
            user_id, xp, stars = well_off[0], -10, -1
        self.bot.rewards.award(at, guild.id, user_id, xp, stars)
        self._log(at, "MANUAL_AWARD", "users", user_id, None, {"xp": xp, "stars": stars}, "event")

    def _grant(self, at: datetime, guild: Guild, to_lurker: bool) -> None:
        user_id = self._lurkers(guild)[-1] if to_lurker else self._somebody(guild)
        achievement = next(row for row in guild.achievements if row["requirement_type"] == "custom")
        self.bot.rewards.grant(at, user_id, achievement, ADMIN)
        key = f"{user_id}:{achievement['id']}"
        self._log(at, "MANUAL_AWARD", "user_achievements", key, None, {"achievement_id": achievement["id"]})

    def _complete_quest(self, at: datetime, number: int) -> None:
        guild = self.guilds[(number + 1) % 2]
        row = quest(number + 1, guild, "complete", self.period.start)
        self.outbox.put("quests", row | {"status": "claimed"}, at - timedelta(hours=3))
        self.outbox.put("quests", row, at)
        metadata = {"quest_id": row["id"]}
        self.bot.rewards.reward(
            at,
            "QUEST_COMPLETE",
            guild.id,
            self._somebody(guild),
            50,
            5,
            metadata,
            source_event_id=f"quest_{row['id']}",
        )

    def _sell_coffee(self, at: datetime, number: int) -> None:
        for _ in range(5):
            self.bot.rewards.drink_coffee(at, self._somebody(self.guilds[number % 2]))

    def _silence(self, at: datetime, number: int) -> None:
        """Some members want nothing announced about them."""
        for user_id in self.bot.members[self.guilds[number % 2].id][number::25]:
            row = {"user_id": user_id, "announce_level_up": False, "announce_achievements": number > 0}
            self.outbox.put("user_preferences", row | {"announce_awards": True, "updated_at": at}, at)

    def _well_off(self, guild: Guild) -> list[int]:
        """Members whose level and stars survive a small loss."""
        users, stats, season_id = (
            self.bot.rewards.users,
            self.bot.rewards.stats,
            self._seasons[guild.id]["id"],
        )
        return [
            user_id
            for user_id in self.bot.members[guild.id]
            if users[user_id]["xp"] - 10 >= least_xp(users[user_id]["level"])
            and (user_id, season_id) in stats
            and stats[user_id, season_id]["season_stars"] > 5
        ]

    def _somebody(self, guild: Guild) -> int:
        active = [user_id for user_id in self.bot.members[guild.id] if user_id not in self.bot.lurkers]
        return self.bot.rng.choice(active)

    def _lurkers(self, guild: Guild) -> list[int]:
        return [user_id for user_id in self.bot.members[guild.id] if user_id in self.bot.lurkers]

    def _log(
        self,
        at: datetime,
        action: str,
        table: str,
        target_id: int | str,
        before: Row | None,
        after: Row,
        reason: str | None = None,
    ) -> None:
        row: Row = {
            "id": next(self._entries),
            "actor_id": ADMIN,
            "action_type": action,
            "target_table": table,
            "target_id": str(target_id),
            "before_snapshot": before,
            "after_snapshot": after,
            "reason": reason,
            "timestamp": at,
        }
        self.outbox.add("admin_log", row, at)
