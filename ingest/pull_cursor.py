"""How far the pulls of one system have come: what each took from the source, and whether that still counts.

The cursor lies beside the landing files, `<system>/_pull/cursor.json`, and is written after them. It only saves the
source from being read whole again: what was loaded is decided by the database alone, and whoever removes the file gets
everything once more, which loading counts as duplicates. `pull` says why the numbers kept here lose no row.
"""

from datetime import date, datetime
from pathlib import Path

import msgspec

from ingest.errors import ConfigurationError

# Row versions carry 32 bits of their transaction's number, which Postgres compares within half of that range.
COMPARABLE_TRANSACTIONS = 2_000_000_000
# A numbering that has gone round once: a row frozen long ago may look like one of a transaction that is open now.
FIRST_ROUND = 2**32
# Some 1 MB of JSON, hashed once per scan. Beyond it rows are repeated rather than told apart.
REMEMBERED_TRANSACTIONS = 100_000


class Incarnation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One uninterrupted life of one server, within which no transaction number is given twice.

    `system` tells clusters apart (None where the role may not ask). A copy started from a backup may share it and even
    the timeline, but not the microsecond its postmaster `started`; a crash that the postmaster survives, and that may
    lose unflushed commits whose numbers are then given anew, discards the statistics (`counting_since`).
    """

    system: str | None
    database: int
    started: str
    counting_since: str | None


class Snapshot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a transaction sees: all committed ones before `xmin`, some up to `xmax`, none from there on (64 bits)."""

    xmin: int
    xmax: int


class TableCursor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was taken of one table.

    `columns` and `parts` (the relation itself, its partitions and heirs) say what was read: a difference in them makes
    old rows news. `seen` are the transactions from the snapshot's xmin on whose rows are
    delivered. `digest`, `delivered_on` and `alone` (no other delivery fell on that day) tell of the last delivery of
    a table that is read whole each time. `ignored` are the columns that were reported as unknown.
    """

    columns: tuple[str, ...]
    parts: tuple[int, ...]
    seen: tuple[int, ...] = ()
    digest: str | None = None
    delivered_on: date | None = None
    alone: bool = True
    ignored: tuple[str, ...] = ()


class Cursor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The state after one pull. `stamp` orders deliveries; `source` is None until a first pull has ended well."""

    stamp: datetime
    source: Incarnation | None = None
    snapshot: Snapshot = Snapshot(0, 0)
    tables: dict[str, TableCursor] = {}


def decode_cursor(content: bytes, path: Path) -> Cursor:
    """The cursor that `encode_cursor` wrote; ConfigurationError for anything else."""
    try:
        return msgspec.json.decode(content, type=Cursor)
    except msgspec.DecodeError as error:
        raise ConfigurationError(
            f"{path} is not a cursor of `tally pull` ({error}); remove it, and everything is pulled once more."
        ) from error


def encode_cursor(cursor: Cursor) -> bytes:
    """The cursor as JSON that a person can read."""
    return msgspec.json.format(msgspec.json.encode(cursor), indent=1) + b"\n"


def why_whole(cursor: Cursor, source: Incarnation, snapshot: Snapshot) -> str | None:
    """Why the cursor's transaction numbers say nothing about this source now, in words; None when they do."""
    if cursor.source is None:
        return "nothing was pulled before"
    if cursor.source != source:
        return "the source is another server than at the last pull, or was restarted since"
    if snapshot.xmax < cursor.snapshot.xmax:
        return "the source stands at an earlier point than at the last pull"
    if snapshot.xmax - cursor.snapshot.xmin >= COMPARABLE_TRANSACTIONS:
        return "too many transactions passed since the last pull to compare their numbers"
    return None


def transactions_seen(delivered: set[int], known: TableCursor | None, snapshot: Snapshot) -> tuple[int, ...]:
    """The transactions that the next pull need not read again although it starts from `snapshot.xmin`.

    `delivered` are those of the rows read now; `known` is what earlier pulls delivered, if that still counts.
    """
    if snapshot.xmax >= FIRST_ROUND:
        return ()
    earlier = known.seen if known else ()
    seen = {number for number in (*delivered, *earlier) if snapshot.xmin <= number < snapshot.xmax}
    return tuple(sorted(seen)) if len(seen) <= REMEMBERED_TRANSACTIONS else ()
