"""What a simulated system writes, and how that becomes deliveries: which rows arrive on which day, late or again.

No knowledge of any one system; no file formats (see `files`).
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from ingest.contract import System, Table

Row = dict[str, Any]


@dataclass(frozen=True)
class Period:
    """The days that are simulated; the first `history_days` of them arrive together."""

    first_day: date
    days: int
    history_days: int

    @property
    def start(self) -> datetime:
        """Midnight before the first day, UTC."""
        return datetime.combine(self.first_day, datetime.min.time(), UTC)

    @property
    def end(self) -> datetime:
        """Midnight after the last day, UTC; nothing happens at or after it."""
        return self.start + timedelta(days=self.days)

    def day_of(self, at: datetime) -> int:
        """The number of the day an instant falls on, from 0; before the start counts as day 0."""
        return min(max((at - self.start).days, 0), self.days - 1)

    def delivery_of(self, day: int) -> int:
        """The number of the delivery that brings a day: 0 is the historical one."""
        return max(0, day - self.history_days + 1)

    @property
    def deliveries(self) -> int:
        """How many deliveries there are."""
        return self.delivery_of(self.days - 1) + 1

    def delivered_on(self, delivery: int) -> date:
        """The day a delivery arrives: the morning after its last day."""
        return self.first_day + timedelta(days=self.history_days + delivery)


@dataclass
class Record:
    """One row as written, or `removed`, at an instant; delivered `late_days` after its own day."""

    row: Row
    at: datetime
    late_days: int = 0
    removed: bool = False


@dataclass(frozen=True)
class Fault:
    """One violation that was planted: the rule that must name it, and the subject it must name."""

    rule_id: str
    system: str
    subject: str
    what: str


@dataclass
class Outbox:
    """Everything one system wrote, table by table, in the order it was written."""

    system: System
    period: Period
    records: dict[str, list[Record]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tables: Mapping[str, Table] = {table.name: table for table in self.system.tables}
        for name in self.tables:
            self.records.setdefault(name, [])

    def add(self, table: str, row: Row, at: datetime, late_days: int = 0) -> None:
        """Write a row of an append table, once."""
        self._record(table, row, at, late_days)

    def put(self, table: str, row: Row, at: datetime) -> None:
        """Write a new version of a row that the system updates in place; the row is copied."""
        self._record(table, dict(row), at, 0)

    def remove(self, table: str, row: Row, at: datetime) -> None:
        """Delete a row of a replaced table: deliveries from this day on come without it."""
        self.records[table].append(Record(row, at, removed=True))

    def latest(self, table: str) -> list[Record]:
        """The last version of each key that still exists, in the order of the keys' first appearance."""
        return [record for record in self._versions(table, self.records[table]).values() if not record.removed]

    def deliveries(self, table: str) -> list[list[Row]]:
        """The rows that each delivery brings for a table, from the historical one on."""
        brought: list[list[Record]] = [[] for _ in range(self.period.deliveries)]
        for record in self.records[table]:
            brought[self._delivery_of(record)].append(record)
        mode = self.tables[table].load_mode
        if mode == "append":
            return [[record.row for record in records] for records in brought]
        versions: dict[tuple[Any, ...], Record] = {}
        rows = []
        for records in brought:
            changed = self._versions(table, records)
            versions |= changed
            # A replaced table comes whole whenever anything in it changed.
            wanted = changed if mode == "upsert" else versions if changed else {}
            rows.append([versions[key].row for key in versions if key in wanted and not versions[key].removed])
        return rows

    def pulls(self, table: str, since: datetime, every: timedelta) -> list[tuple[datetime, list[Row]]]:
        """What pulls at a steady pace would find from an instant to the end: rows as they then stand that changed."""
        changed: dict[datetime, dict[tuple[Any, ...], Row]] = {}
        for record in sorted(self.records[table], key=lambda record: record.at):
            if record.at >= since:
                stamp = since + ((record.at - since) // every + 1) * every
                changed.setdefault(stamp, {})[self._key(table, record)] = record.row
        return [(stamp, list(rows.values())) for stamp, rows in changed.items() if stamp < self.period.end]

    def _versions(self, table: str, records: list[Record]) -> dict[tuple[Any, ...], Record]:
        """The last version of each key."""
        return {self._key(table, record): record for record in sorted(records, key=lambda record: record.at)}

    def _record(self, table: str, row: Row, at: datetime, late_days: int) -> None:
        expected = {column.name for column in self.tables[table].columns}
        if set(row) != expected:
            raise ValueError(
                f"{self.system.name}.{table}: columns {sorted(set(row) ^ expected)} do not fit the contract"
            )
        self.records[table].append(Record(row, at, late_days))

    def _delivery_of(self, record: Record) -> int:
        day = min(self.period.day_of(record.at) + record.late_days, self.period.days - 1)
        return self.period.delivery_of(day)

    def _key(self, table: str, record: Record) -> tuple[Any, ...]:
        return tuple(record.row[name] for name in self.tables[table].key)


def uuid4(rng: random.Random) -> UUID:
    """A random UUID that depends on nothing but `rng`."""
    return UUID(int=rng.getrandbits(128), version=4)


def instants(start: datetime, end: datetime, count: int, rng: random.Random) -> Iterator[datetime]:
    """`count` ordered instants between `start` and `end`, to the millisecond."""
    seconds = (end - start).total_seconds()
    for offset in sorted(rng.random() * seconds for _ in range(count)):
        yield start + timedelta(milliseconds=int(offset * 1000))
