"""A clock for simulations whose actors take turns: each is a generator that yields how long it waits."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from heapq import heappop, heappush

Process = Iterator[timedelta]


class Timeline:
    """Resumes waiting processes in the order of their instants; nothing happens at or after `end`."""

    def __init__(self, start: datetime, end: datetime) -> None:
        self.now = start
        self.end = end
        self._waiting: list[tuple[datetime, int, Process]] = []
        self._started = 0

    def start(self, process: Process, at: datetime | None = None) -> None:
        """Let a process begin at an instant, by default now."""
        self._started += 1
        heappush(self._waiting, (at or self.now, self._started, process))

    def until(self, at: datetime) -> timedelta:
        """How long it is until an instant; nothing when it has passed."""
        return max(at - self.now, timedelta(0))

    def run(self) -> None:
        """Let everything happen."""
        while self._waiting and self._waiting[0][0] < self.end:
            self.now, turn, process = heappop(self._waiting)
            wait = next(process, None)
            if wait is not None:
                heappush(self._waiting, (self.now + wait, turn, process))
