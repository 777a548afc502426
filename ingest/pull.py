"""Pulling: what is new in a live Postgres database, as files of the landing zone.

No row is missed, whenever it commits and whatever it says of itself: neither keys nor timestamps are looked at, only
which transaction wrote a row version (its `xmin`) and whether the last pull could see that transaction's work.

Why that is right. A pull reads every table in one REPEATABLE READ transaction and keeps its snapshot, whose xmin is
the lowest number among the transactions then under way. A row version that this snapshot did not show and a later one
does was committed in between, so its transaction was under way (number ≥ xmin) or had not begun (number ≥ xmax ≥
xmin); a savepoint has a number of its own, always above its transaction's. So the next pull reads every version with
a number ≥ xmin: inserts and updates alike, whether they touch `updated_at` or not. What lies between xmin and xmax was
partly delivered, and the snapshot's own list cannot tell which part: savepoints are not in it, and on a standby it is
empty. But all versions of one transaction become visible together, so a number that was once read in a table is done
with there, and the cursor keeps those (`seen`) that a long transaction holds above xmin; that spares repetition.

Where it would not be right, everything is read again: on another server, a copy, or after a restart (the numbers may
mean other transactions: `Incarnation`), after two billion transactions (they carry 32 bits), and for a table that
is another one now, or has columns of other types or partitions that were not there (old rows came without being
written). Reading a row twice is harmless, since loading is exactly once.

What it costs. xmin has no index: each pull scans each table at the source (673 MB took 0.9 s on two busy cores),
through a small ring of buffers that displaces nothing; while it lasts, vacuum keeps dead rows and ALTER TABLE waits.
Point --from at a standby to spare the primary. The cheaper ways lose rows: a lower bound by key or time misses what
commits late or is back-dated, an overlap window what commits later still, and comparing keys misses updates.

Deletions are not seen in `append` and `upsert` tables, where history stays. A `replace` table (and a view) is read
whole and delivered when its content is not that of the last delivery; as all deliveries of one day stand together, a
row deleted between two pulls of a day leaves the warehouse with the first delivery of the next.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from ingest.contract import System
from ingest.pull_cursor import Cursor, TableCursor, decode_cursor, encode_cursor, transactions_seen, why_whole
from ingest.pull_landing import Outbox, Part, claimed
from ingest.pull_rows import InstantError, Passed, changes, everything, everything_sorted, parquet_types, read
from ingest.pull_source import Source, as_of_now
from ingest.pull_tables import SourceTable

LONG_AGO = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class TablePull:
    """What one table gave: its new rows, and the files (paths inside the landing zone) they are delivered in.

    `ignored` are columns at the source that the contract does not know; they are said once.
    """

    table: str
    load_mode: str
    rows: int
    files: tuple[str, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class Pull:
    """What one pull delivered. `why_whole` says in words why it could not build on an earlier one; None if it did."""

    tables: tuple[TablePull, ...]
    why_whole: str | None


@dataclass(frozen=True)
class _Taken:
    """One table, read and written but not delivered."""

    pull: TablePull
    parts: list[Part]
    cursor: TableCursor


def pull(conninfo: str, system: System, landing: Path, on_table: Callable[[TablePull], None] | None = None) -> Pull:
    """Deliver what the source holds and earlier pulls did not see.

    All tables are read as of one instant, and their files appear together when all of them stand; then the cursor
    moves on. Whatever is killed when, the next pull repeats what may be missing.
    Raises DatabaseUnreachableError when the source does not answer, ConfigurationError when it lacks something, when
    the role may not read it, or when another pull of the system is under way.
    """
    with claimed(landing, system.name) as outbox:
        content = outbox.read_cursor()
        cursor = decode_cursor(content, outbox.cursor_path) if content is not None else Cursor(LONG_AGO)
        # Of two versions of a row the later file wins: a clock that went back must not date this pull before the last.
        stamp = max(datetime.now(UTC), cursor.stamp + timedelta(microseconds=1))
        taken: list[_Taken] = []
        with as_of_now(conninfo, system.tables) as source:
            reason = why_whole(cursor, source.incarnation, source.snapshot)
            for table in source.tables:
                taken.append(_take(source, table, cursor, reason is None, outbox, stamp))
                if on_table:
                    on_table(taken[-1].pull)
        _deliver(outbox, cursor, taken, stamp)
        tables = {one.pull.table: one.cursor for one in taken}
        outbox.write_cursor(encode_cursor(Cursor(stamp, source.incarnation, source.snapshot, tables)))
    return Pull(tuple(one.pull for one in taken), reason)


def _take(
    source: Source, table: SourceTable, cursor: Cursor, comparable: bool, outbox: Outbox, stamp: datetime
) -> _Taken:
    """Read what is new in one table into files that are not delivered yet."""
    name, day = table.table.name, stamp.date()
    known = cursor.tables.get(name)
    same = known if known and known.columns == table.shape else None
    base = same if comparable and not table.read_whole else None
    parts, passed = _write(source, table, base, cursor.snapshot.xmin, outbox, stamp)
    digest, delivered_on, alone = None, None, True
    if table.read_whole:
        digest, delivered_on = passed.digest.hexdigest(), day
        alone = not outbox.holds(name, day) and (known is None or known.delivered_on != day)
        if same and same.digest == digest and (same.alone or same.delivered_on == day):
            outbox.discard(name)
            parts, delivered_on, alone = [], same.delivered_on, same.alone
    ignored = tuple(column for column in table.ignored if known is None or column not in known.ignored)
    files = tuple(part.target.relative_to(outbox.landing).as_posix() for part in parts)
    return _Taken(
        TablePull(name, table.table.load_mode, passed.rows if parts else 0, files, ignored),
        parts,
        TableCursor(
            columns=table.shape,
            parts=table.parts,
            seen=transactions_seen(passed.transactions, base, source.snapshot),
            digest=digest,
            delivered_on=delivered_on,
            alone=alone,
            ignored=table.ignored,
        ),
    )


def _write(
    source: Source, table: SourceTable, base: TableCursor | None, horizon: int, outbox: Outbox, stamp: datetime
) -> tuple[list[Part], Passed]:
    """Write the rows of one table: those that `base` has not seen, or all."""
    if table.read_whole:
        query = everything_sorted(table)
    else:
        query = changes(table, base, horizon) if base else everything(table)
    texts: set[str] = set()
    while True:
        passed = Passed(source.snapshot.xmin)
        types = parquet_types(table, texts)
        try:
            with source.connection.transaction():  # a savepoint: the instant outlives a reading that is given up
                rows = read(source.connection, query, table, types, passed)
                return outbox.write(table.table, stamp, rows, types), passed
        except InstantError as error:
            outbox.discard(table.table.name)
            texts.add(error.column)


def _deliver(outbox: Outbox, cursor: Cursor, taken: list[_Taken], stamp: datetime) -> None:
    """Make the files visible to loading.

    The stamp, and that something was delivered on its day, is kept first: should this pull not live to write its own
    cursor, the next must neither be dated before it nor take its own delivery for the only one of the day.
    """
    parts = [part for one in taken for part in one.parts]
    if not parts:
        return
    begun = {
        one.pull.table: msgspec.structs.replace(one.cursor, digest=None)
        for one in taken
        if one.parts and one.cursor.digest
    }
    tables = {**cursor.tables, **begun}
    outbox.write_cursor(encode_cursor(msgspec.structs.replace(cursor, stamp=stamp, tables=tables)))
    outbox.deliver(parts)
