"""Messages, reactions and threads of the Synapse sample."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ingest.sample.synapse.bot import Bot
from ingest.sample.synapse.guilds import Channel, Guild

_EMOJI = ("👍", "🎉", "❤️", "😂", "🚀", "party_parrot:1102")
_WORDS = ("build", "patch", "season", "draft", "queue", "release", "demo", "rank")


@dataclass
class Message:
    """A message that reactions and threads can refer to."""

    id: int
    author: int
    guild: Guild
    channel: Channel
    reactors: set[int] = field(default_factory=set)


@dataclass
class Chat:
    """Who writes, and what others make of it."""

    bot: Bot

    def write(self, at: datetime, guild: Guild, user_id: int) -> None:
        """A message, what it earns, and perhaps reactions and a thread."""
        rng = self.bot.rng
        channel = rng.choice(guild.text_channels)
        # The lake keeps the time of receipt; the id keeps Discord's, a little earlier.
        message = Message(self.bot.new_id(at - timedelta(milliseconds=rng.randrange(40, 900))), user_id, guild, channel)
        replied_to = rng.choice(self.bot.members[guild.id]) if rng.random() < 0.2 else None
        traits = self._traits()
        payload = traits | {
            "is_reply": replied_to is not None,
            "reply_to_user_id": replied_to and str(replied_to),
        }
        key = str(message.id)
        self.bot.lake.capture(at, "message_create", guild.id, user_id, payload, channel.id, replied_to, key)
        xp = int(15 * channel.xp_multiplier * quality(traits))
        metadata = traits | {"attachment_count": int(traits["has_attachment"]), "channel_name": channel.name}
        self.bot.rewards.reward(at, "MESSAGE", guild.id, user_id, xp, 1, metadata, channel.category_id, key)
        for _ in range(rng.choices((0, 1, 2, 3), (74, 18, 6, 2))[0]):
            self.bot.later(at, rng.uniform(5, 5400), self._react, message)
        if rng.random() < 0.026:
            self.bot.later(at, rng.uniform(20, 600), self._open_thread, message)

    def _traits(self) -> dict[str, Any]:
        rng = self.bot.rng
        return {
            "length": min(2000, int(rng.lognormvariate(4, 1)) + 1),
            "has_code_block": rng.random() < 0.06,
            "has_link": rng.random() < 0.1,
            "has_attachment": rng.random() < 0.08,
            "emoji_count": rng.choices((0, 1, 3, 7), (70, 20, 8, 2))[0],
        }

    def _open_thread(self, at: datetime, message: Message) -> None:
        """A thread. One in six grows out of the message and has its id, so the bot takes it for a repetition."""
        rng = self.bot.rng
        key = str(message.id if rng.random() < 1 / 6 else self.bot.new_id(at))
        name, channel = " ".join(rng.sample(_WORDS, 2)), message.channel
        who = message.guild.id, message.author
        payload = {"name": name, "parent_channel_id": str(channel.id)}
        self.bot.lake.capture(at, "thread_create", *who, payload, channel.id, channel.id, key)
        metadata = {"thread_name": name, "parent_channel": channel.name}
        self.bot.rewards.reward(at, "THREAD_CREATE", *who, 20, 2, metadata, channel.category_id, key)

    def _react(self, at: datetime, message: Message) -> None:
        """A reaction of some member, now and then the author's own, perhaps taken back later."""
        rng = self.bot.rng
        reactor = message.author if rng.random() < 0.03 else rng.choice(self.bot.members[message.guild.id])
        if reactor in self.bot.lurkers:
            return
        emoji = rng.choice(_EMOJI)
        self._add_reaction(at, message, reactor, emoji)
        if rng.random() < 0.25:
            self.bot.later(at, rng.uniform(5, 900), self._take_back, message, reactor, emoji)

    def _take_back(self, at: datetime, message: Message, reactor: int, emoji: str) -> None:
        """A reaction removed. Given again it is swallowed, its key being known, so removals may outnumber additions."""
        payload = {"emoji_name": emoji, "message_id": str(message.id)}
        self.bot.lake.capture(at, "reaction_remove", message.guild.id, reactor, payload, message.channel.id)
        if self.bot.rng.random() < 0.3:
            self.bot.later(at, self.bot.rng.uniform(2, 60), self._add_reaction, message, reactor, emoji)
            self.bot.later(at, self.bot.rng.uniform(61, 90), self._take_back, message, reactor, emoji)

    def _add_reaction(self, at: datetime, message: Message, reactor: int, emoji: str) -> None:
        channel, guild_id, category_id = message.channel, message.guild.id, message.channel.category_id
        payload = {"emoji_name": emoji, "message_id": str(message.id)}
        key = f"{reactor}-{message.id}-{emoji}"
        self.bot.lake.capture(at, "reaction_add", guild_id, reactor, payload, channel.id, source_id=key)
        metadata = {"emoji": emoji, "message_id": str(message.id), "channel_name": channel.name}
        rewards = self.bot.rewards
        key = f"rxn_given_{message.id}_{reactor}_{emoji}"
        rewards.reward(at, "REACTION_GIVEN", guild_id, reactor, 5, 1, metadata, category_id, key)
        if self.bot.rng.random() < 0.45:
            return  # the message has left the bot's memory, so its author is not known
        message.reactors.add(reactor)
        author, reactors = message.author, len(message.reactors)
        stars = rewards.stars_for_reaction(at, reactor, author, reactors)
        xp, stars = (0, 0) if reactor == author else (8, stars)
        received = metadata | {"reactor_id": str(reactor), "unique_reactor_count": reactors}
        key = f"rxn_recv_{message.id}_{reactor}_{emoji}"
        rewards.reward(at, "REACTION_RECEIVED", guild_id, author, xp, stars, received, category_id, key)


def quality(traits: dict[str, Any]) -> Decimal:
    """The factor on a message's XP, from what it is made of; never below 0.1."""
    factor = Decimal("1.5") if traits["length"] > 500 else Decimal("1.2") if traits["length"] > 200 else Decimal(1)
    factor *= Decimal("1.4") if traits["has_code_block"] else 1
    factor *= Decimal("1.25") if traits["has_link"] else 1
    factor *= Decimal("1.1") if traits["has_attachment"] else 1
    factor *= Decimal("0.5") if traits["emoji_count"] > 5 else 1
    return max(factor, Decimal("0.1"))
