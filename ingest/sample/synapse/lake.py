"""The event lake of the Synapse sample and the counters over it, as the bot keeps them. Rewards are elsewhere."""

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from ingest.sample.outbox import Outbox, Row

RETENTION_DAYS = 90
_LATE_SHARE = 0.006


@dataclass
class EventLake:
    """Captures events, once per source id, and counts them in the same breath."""

    outbox: Outbox
    rng: random.Random
    switched_off: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._ids = count(1)
        self._captured: set[str] = set()
        self._by_day: dict[tuple[int, str], Counter[date]] = defaultdict(Counter)
        self._lifetime: Counter[tuple[int, str]] = Counter()
        self._season: Counter[tuple[int, str]] = Counter()
        self._changed: set[tuple[int, str]] = set()

    def capture(
        self,
        at: datetime,
        event_type: str,
        guild_id: int,
        user_id: int,
        payload: dict[str, Any],
        channel_id: int | None = None,
        target_id: int | None = None,
        source_id: str | None = None,
    ) -> None:
        """Write one event, unless its type is switched off or its source id was seen (the bot swallows those)."""
        if event_type in self.switched_off or source_id in self._captured:
            return
        if source_id:
            self._captured.add(source_id)
        row: Row = {
            "id": next(self._ids),
            "guild_id": guild_id,
            "user_id": user_id,
            "event_type": event_type,
            "channel_id": channel_id,
            "target_id": target_id,
            "payload": payload,
            "source_id": source_id,
            "timestamp": at,
        }
        late_days = self.rng.choice((1, 2)) if self.rng.random() < _LATE_SHARE else 0
        # What is older than the period comes with the historical delivery, days and weeks after any delay.
        self.outbox.add("event_lake", row, at, late_days if at >= self.outbox.period.start else 0)
        key = user_id, event_type
        self._by_day[key][at.date()] += 1
        self._lifetime[key] += 1
        self._season[key] += 1  # never reset by a season's end: a second lifetime counter that nobody reconciles
        self._changed.add(key)

    def reconcile(self, at: datetime) -> None:
        """The weekly job: lifetime counters become the count of rows still in the lake, so purged days drop out."""
        oldest = (at - timedelta(days=RETENTION_DAYS)).date()
        for key, days in self._by_day.items():
            retained = sum(number for day, number in days.items() if day >= oldest)
            if retained != self._lifetime[key]:
                self._lifetime[key] = retained
                self._changed.add(key)

    def close_day(self, at: datetime) -> None:
        """Write the counters that changed during the day of `at`."""
        for user_id, event_type in sorted(self._changed):
            key = user_id, event_type
            counts = {"lifetime": self._lifetime[key], "season": self._season[key]}
            if at.date() in self._by_day[key]:
                counts[f"day:{at.date()}"] = self._by_day[key][at.date()]
            for period, number in counts.items():
                row = {"user_id": user_id, "event_type": event_type, "category_id": 0, "period": period}
                self.outbox.put("event_counters", row | {"count": number}, at)
        self._changed.clear()
