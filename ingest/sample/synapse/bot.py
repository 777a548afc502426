"""The bot of the Synapse sample: one agenda in order of time, the two streams it writes, and the members it sees."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from ingest.sample.synapse.guilds import snowflake
from ingest.sample.synapse.lake import EventLake
from ingest.sample.synapse.rewards import RewardPipeline


class Agenda:
    """What is to happen, in order of time; things of one instant in the order they were planned."""

    def __init__(self) -> None:
        self._queue: list[tuple[datetime, int, Callable[..., None], tuple[Any, ...]]] = []
        self._numbers = count()

    def at(self, when: datetime, action: Callable[..., None], *arguments: Any) -> None:
        """Plan `action(when, *arguments)`."""
        heapq.heappush(self._queue, (when, next(self._numbers), action, arguments))

    def run(self, end: datetime) -> None:
        """Do all that is planned before `end`, and what comes of it."""
        while self._queue and self._queue[0][0] < end:
            when, _, action, arguments = heapq.heappop(self._queue)
            action(when, *arguments)


@dataclass
class Bot:
    """What every actor of the sample shares."""

    rng: random.Random
    lake: EventLake
    rewards: RewardPipeline
    agenda: Agenda = field(default_factory=Agenda)
    members: dict[int, list[int]] = field(default_factory=dict)
    lurkers: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._numbers = count(1)

    def later(self, at: datetime, seconds: float, action: Callable[..., None], *arguments: Any) -> None:
        """Plan an action some seconds after `at`, to the millisecond."""
        self.agenda.at(at + timedelta(milliseconds=int(seconds * 1000)), action, *arguments)

    def new_id(self, at: datetime) -> int:
        """A Discord id for something that came to be at `at`."""
        return snowflake(at, next(self._numbers) % 2**22)
