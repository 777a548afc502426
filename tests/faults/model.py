"""What must be in the warehouse after some deliveries, in plain Python: no SQL, and no code of the loader.

It knows the contract's metadata (mode, key, columns) and the promises of the loader, and nothing of how they are kept.
`replay` follows an order of loading; `standing` says what the tables hold whatever the order was.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from ingest.contract import Table

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Line:
    """One row of a file: what it says, as Postgres gives it back, or the rule it breaks."""

    number: int
    values: dict[str, Any]
    broken: str | None = None
    raw: bytes | None = None  # as delivered; None for parquet, whose rows have no bytes of their own


@dataclass(frozen=True)
class Delivery:
    """One file of the landing zone. `readable` is False for a file that must be refused as a whole."""

    table: str
    day: date
    name: str
    content: bytes
    lines: tuple[Line, ...]
    readable: bool = True

    @property
    def path(self) -> str:
        return f"{self.table.replace('.', '/')}/date={self.day}/{self.name}"

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


class Counts(NamedTuple):
    """A manifest row: every row of the file is one of the other four."""

    read: int
    accepted: int
    duplicate: int
    conflict: int
    rejected: int


class Refused(NamedTuple):
    """A row of the quarantine."""

    path: str
    line: int
    outcome: str
    rule: str
    raw: bytes | None


class Held(NamedTuple):
    """A row of a raw table, and the path of the delivery that brought it."""

    values: tuple[Any, ...]
    path: str


class Version(NamedTuple):
    """A row of a table whose rows change, ordered by what makes one newer than another."""

    clock: datetime
    day: date
    path: str
    line: int
    values: tuple[Any, ...]

    @property
    def rank(self) -> tuple[datetime, date, str, int]:
        return self[:4]


@dataclass
class State:
    """One table and what the warehouse says of its deliveries."""

    rows: dict[Key, Held] = field(default_factory=dict)
    manifest: dict[str, Counts] = field(default_factory=dict)
    quarantine: set[Refused] = field(default_factory=set)


_ALWAYS = datetime.min.replace(tzinfo=UTC)


def is_known(table: Table, delivery: Delivery, loaded: Iterable[Delivery]) -> bool:
    """True when the content counts already: then the file is skipped, under whatever name it comes.

    Where the delivery can decide which row is newer, the same content delivered later is news; where versions are kept,
    so is what was delivered at another time.
    """
    same = [(other.day, other.path) for other in loaded if other.digest == delivery.digest]
    if table.history:
        return (delivery.day, delivery.path) in same
    return bool(same) and (table.load_mode == "append" or max(same) >= (delivery.day, delivery.path))


def standing(table: Table, loaded: Sequence[Delivery]) -> dict[Key, Held]:
    """The rows of an upsert or replace table after these deliveries, in whatever order they were loaded."""
    newest_day = max((delivery.day for delivery in loaded), default=None)
    newest: dict[Key, Version] = {}
    for delivery in loaded:
        if table.load_mode == "replace" and delivery.day != newest_day:
            continue
        for key, version in _versions(table, delivery):
            if key not in newest or version.rank > newest[key].rank:
                newest[key] = version
    return {key: Held(version.values, version.path) for key, version in newest.items()}


def replay(table: Table, loaded: Sequence[Delivery]) -> State:
    """What these deliveries leave behind when they are loaded one after the other, in this order."""
    state = State()
    for number, delivery in enumerate(loaded):
        rejected = {Refused(delivery.path, x.number, "rejected", x.broken, x.raw) for x in delivery.lines if x.broken}
        if table.load_mode == "append":
            accepted, duplicate, conflicts = _append(table, state, delivery)
        else:
            accepted, duplicate = _count_versions(table, loaded[:number], delivery)
            conflicts = set()
        read = accepted + duplicate + len(conflicts) + len(rejected)
        state.manifest[delivery.path] = Counts(read, accepted, duplicate, len(conflicts), len(rejected))
        state.quarantine |= rejected | conflicts
    if table.load_mode != "append":
        state.rows = standing(table, loaded)
    return state


def _append(table: Table, state: State, delivery: Delivery) -> tuple[int, int, set[Refused]]:
    """A key's first row stands for ever."""
    accepted, duplicate, conflicts = 0, 0, set()
    for line in delivery.lines:
        if line.broken:
            continue
        key, values = _key(table, line), _values(table, line)
        if key not in state.rows:
            state.rows[key] = Held(values, delivery.path)
            accepted += 1
        elif state.rows[key].values == values:
            duplicate += 1
        else:
            conflicts.add(Refused(delivery.path, line.number, "conflict", "conflict", line.raw))
    return accepted, duplicate, conflicts


def _count_versions(table: Table, before: Sequence[Delivery], delivery: Delivery) -> tuple[int, int]:
    """A row is accepted when it now stands and says something else than the row that stood before; else known."""
    held, holds = standing(table, before), standing(table, [*before, delivery])
    good = [_key(table, line) for line in delivery.lines if not line.broken]
    accepted = sum(
        holds[key].path == delivery.path and (key not in held or held[key].values != holds[key].values)
        for key in set(good) & set(holds)
    )
    return accepted, len(good) - accepted


def _versions(table: Table, delivery: Delivery) -> Iterable[tuple[Key, Version]]:
    clock = None if _day_decides(table) else table.version_column
    for line in delivery.lines:
        if not line.broken:
            instant = (line.values[clock] if clock else None) or _ALWAYS
            version = Version(instant, delivery.day, delivery.path, line.number, _values(table, line))
            yield _key(table, line), version


def _day_decides(table: Table) -> bool:
    return table.load_mode == "replace" or (table.load_mode == "upsert" and not table.version_column)


def _key(table: Table, line: Line) -> Key:
    return tuple(line.values[name] for name in table.key)


def _values(table: Table, line: Line) -> tuple[Any, ...]:
    return tuple(line.values[column.name] for column in table.columns)
