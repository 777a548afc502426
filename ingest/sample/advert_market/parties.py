"""Who takes part in the ad market: users, channels and their teams, and the messages sent to them."""

import random
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from ingest.sample.advert_market.timeline import Process, Timeline
from ingest.sample.outbox import Outbox, Period, Row, uuid4

NANO_PER_TON = 10**9
_TOPICS = ("crypto", "travel", "games", "business", "science", "music", "cooking", "news")
_FIRST = (
    "Ada",
    "Boris",
    "Chiara",
    "Dmitri",
    "Elif",
    "Farid",
    "Greta",
    "Hana",
    "Ivo",
    "Jonas",
    "Kira",
    "Luis",
)
_LAST = (
    "Almeida",
    "Berg",
    "Costa",
    "Dietz",
    "Eriksen",
    "Fontaine",
    "Guseva",
    "Horvat",
    "Ito",
    "Jansen",
    "Kovac",
)
_RIGHTS = ("publish", "moderate", "view_deals", "manage_listings", "manage_team")


@dataclass(frozen=True)
class Channel:
    """A channel as a deal sees it; the managers may act for the owner."""

    channel_id: int
    owner_id: int
    manager_ids: tuple[int, ...]
    price_nano: int


@dataclass(frozen=True)
class Parties:
    """Everybody who can be part of a deal; the newcomer's owner has no payout address yet."""

    channels: tuple[Channel, ...]
    newcomer: Channel
    advertiser_ids: tuple[int, ...]
    operator_ids: tuple[int, ...]


def register_parties(outbox: Outbox, period: Period, timeline: Timeline, rng: random.Random, scale: int) -> Parties:
    """Write users, channels and teams from before the period, and keep the channels' figures fresh."""
    user_ids = rng.sample(range(100_000_000, 8_000_000_000), 220 * scale + 3)
    operator_ids, others = tuple(user_ids[:3]), user_ids[3:]
    owner_ids, manager_ids, advertiser_ids = (
        others[: 45 * scale],
        others[45 * scale : 75 * scale],
        others[75 * scale :],
    )
    for user_id in user_ids:
        _register_user(outbox, period, rng, user_id, user_id in operator_ids)
    channels = []
    for number in range(60 * scale):
        owner_id = owner_ids[number] if number < len(owner_ids) else rng.choice(owner_ids[1:])
        team = tuple(rng.sample(manager_ids, rng.choice((0, 0, 1, 2))))
        channels.append(_list_channel(outbox, period, timeline, rng, owner_id, team))
    # A few owners advertise in other people's channels too.
    return Parties(tuple(channels[1:]), channels[0], (*advertiser_ids, *owner_ids[1:6]), operator_ids)


def _register_user(outbox: Outbox, period: Period, rng: random.Random, user_id: int, is_operator: bool) -> None:
    first, last = rng.choice(_FIRST), rng.choice(_LAST)
    row: Row = {
        "id": user_id,
        "username": f"{first}_{last}{rng.randrange(1000)}".lower() if rng.random() < 0.85 else None,
        "display_name": f"{first} {last}",
        "is_operator": is_operator,
        "created_at": period.start - timedelta(minutes=rng.randrange(1_440, 300_000)),
    }
    outbox.put("users", row, period.start)


def _list_channel(
    outbox: Outbox,
    period: Period,
    timeline: Timeline,
    rng: random.Random,
    owner_id: int,
    team: tuple[int, ...],
) -> Channel:
    listed_at = period.start - timedelta(minutes=rng.randrange(60, 1_440))
    price_ton = min(5_000, int(rng.lognormvariate(3.6, 1.0)) + 1)
    channel = Channel(
        channel_id=-1_000_000_000_000 - rng.randrange(1_000_000_000, 3_000_000_000),
        owner_id=owner_id,
        manager_ids=team,
        price_nano=price_ton * NANO_PER_TON + rng.choice((0, 0, 500_000_000, rng.randrange(NANO_PER_TON))),
    )
    topic = rng.choice(_TOPICS)
    row: Row = {
        "id": channel.channel_id,
        "owner_id": owner_id,
        "title": f"{topic.title()} daily {rng.randrange(100)}",
        "description": f"Everything about {topic}, every day." if rng.random() < 0.8 else None,
        "topic": topic,
        "subscriber_count": rng.randrange(500, 200_000),
        "avg_views": 0,
        "engagement_rate": None,
        "price_per_post_nano": channel.price_nano,
        "availability": {"days": sorted(rng.sample(range(7), 5)), "hours": [9, 21]},
        "is_active": True,
        "created_at": listed_at,
        "updated_at": listed_at,
    }
    outbox.put("channels", row, period.start)
    timeline.start(_refresh_figures(outbox, timeline, rng, row))
    _join(outbox, period, row, owner_id, "OWNER", None)
    for manager_id in team:
        _join(outbox, period, row, manager_id, "MANAGER", {right: rng.random() < 0.6 for right in _RIGHTS})
    return channel


def _join(outbox: Outbox, period: Period, channel: Row, user_id: int, role: str, rights: Row | None) -> None:
    row: Row = {
        "channel_id": channel["id"],
        "user_id": user_id,
        "role": role,
        "rights": rights,
        "invited_by": None if role == "OWNER" else channel["owner_id"],
        "created_at": channel["created_at"],
        "updated_at": channel["created_at"],
    }
    outbox.put("channel_memberships", row, period.start)


def _refresh_figures(outbox: Outbox, timeline: Timeline, rng: random.Random, channel: Row) -> Process:
    """Count subscribers and views about once a week."""
    while True:
        yield timedelta(hours=rng.uniform(100, 200))
        channel["subscriber_count"] += rng.randrange(-100, 400)
        channel["avg_views"] = channel["subscriber_count"] * rng.randrange(10, 60) // 100
        channel["engagement_rate"] = Decimal(rng.randrange(100, 6_000)) / 100
        channel["updated_at"] = timeline.now
        outbox.put("channels", channel, timeline.now)


class Messenger:
    """Queues messages in the outbox table and delivers them seconds later."""

    def __init__(self, outbox: Outbox, timeline: Timeline, rng: random.Random) -> None:
        self.outbox, self.timeline, self.rng = outbox, timeline, rng
        self._queued = 0

    def notify(self, event_type: str, recipient_id: int, deal_id: UUID) -> None:
        """Queue one message about a deal."""
        self._queued += 1
        row: Row = {
            "id": uuid4(self.rng),
            "idempotency_key": f"{event_type}:{deal_id}:{self._queued}",
            "recipient_id": recipient_id,
            "event_type": event_type,
            "topic": "notifications",
            "partition_key": str(deal_id),
            "payload": {"deal_id": str(deal_id)},
            "status": "PENDING",
            "retry_count": 0,
            "created_at": self.timeline.now,
            "processed_at": None,
            "delivered_at": None,
        }
        self.outbox.put("notification_outbox", row, self.timeline.now)
        self.timeline.start(self._send(row), self.timeline.now + timedelta(seconds=self.rng.uniform(0.5, 5)))

    def _send(self, row: Row) -> Process:
        attempts = self.rng.choices((1, 2, 4), (94, 4, 2))[0]
        for attempt in range(attempts):
            row |= {"status": "PROCESSING", "processed_at": self.timeline.now, "retry_count": attempt}
            self.outbox.put("notification_outbox", row, self.timeline.now)
            yield timedelta(seconds=self.rng.uniform(0.1, 30))
        delivered = attempts < 4  # the third retry is the last
        row |= {
            "status": "DELIVERED" if delivered else "FAILED",
            "delivered_at": self.timeline.now if delivered else None,
        }
        self.outbox.put("notification_outbox", row, self.timeline.now)
