"""Loading exactly once: one file, one transaction, and a row in `ingest.loads` that says what became of every row.

Whatever is killed when: a file's rows, its manifest row and its refused rows are all there, or none is. Nothing
outside the database decides what was loaded.
"""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec
from psycopg import Connection

from ingest.arrivals import remember
from ingest.batch import BOM
from ingest.contract import System, Table
from ingest.decode import read_lines
from ingest.errors import UnreadableFileError
from ingest.formats.csv import read_header
from ingest.history import record_versions
from ingest.landing import LandingFile, content_hash, fetched
from ingest.merge import Verdicts, merge
from ingest.partitions import hold_readers
from ingest.quarantine import note_standing_lines
from ingest.stage import NOT_ACCEPTED, stage


@dataclass(frozen=True)
class Load:
    """What became of one file: `loaded`, `skipped` (its content is known) or `failed`, and the fate of its rows."""

    system: str
    table: str
    path: str
    status: str
    reason: str | None
    rows_read: int
    rows_accepted: int
    rows_duplicate: int
    rows_conflict: int
    rows_rejected: int
    seconds: float


def load_files(
    connection: Connection,
    systems: Sequence[System],
    files: Iterable[LandingFile],
    on_file: Callable[[Load], None] | None = None,
    on_rows: Callable[[LandingFile, int, int], None] = lambda *_: None,
) -> list[Load]:
    """Load what is new, each file in its own transaction; a file that is refused does not stop the others.

    `on_file` hears of each file that is done, `on_rows` of the one in work: the rows and the bytes read so far.
    """
    tables = {(table.system, table.name): table for s in systems for table in (*s.tables, *s.private_tables)}
    loads = []
    for file in files:
        loads.append(_load_file(connection, tables[file.system, file.table], file, on_rows))
        if on_file:
            on_file(loads[-1])
    return loads


def _load_file(
    connection: Connection, table: Table, file: LandingFile, on_rows: Callable[[LandingFile, int, int], None]
) -> Load:
    began = time.monotonic()
    status, reason, verdicts = "failed", None, Verdicts()
    digest, size = "", 0
    if file.is_known:
        return _outcome(file, "skipped", None, verdicts, time.monotonic() - began)
    try:
        if table.private:
            raise UnreadableFileError("the table is private and is never loaded; leave it out of the export")
        with fetched(file) as here:
            digest, size = content_hash(here)
            loaded = _load_once(connection, table, here, digest, size, partial(on_rows, file))
        status, verdicts = ("loaded", loaded) if loaded else ("skipped", verdicts)
    except UnreadableFileError as error:
        reason = str(error)
    except NOT_ACCEPTED as error:
        # Every value was judged before, so this is a gap in the judging: refuse the file, do not stop the run.
        reason = f"Postgres refused a value ({' '.join(str(error).split())})"
    if reason:
        _remember_failure(connection, file, digest, size, reason)
    return _outcome(file, status, reason, verdicts, time.monotonic() - began)


def _outcome(file: LandingFile, status: str, reason: str | None, verdicts: Verdicts, seconds: float) -> Load:
    return Load(
        file.system,
        file.table,
        file.relative,
        status,
        reason,
        verdicts.rows_read,
        verdicts.accepted,
        verdicts.duplicates,
        len(verdicts.conflicts),
        len(verdicts.rejected),
        seconds,
    )


def _load_once(
    connection: Connection,
    table: Table,
    file: LandingFile,
    digest: str,
    size: int,
    on_rows: Callable[[int, int], None],
) -> Verdicts | None:
    """Load the file in one transaction; None when its content was loaded before, under whatever name."""
    with connection.transaction():
        take_turn(connection, table)
        if _is_known(connection, table, file, digest):
            _forget_failure(connection, file)
            remember(connection, file, digest)
            return None
        load_id = _begin(connection, file, digest, size)
        staged = stage(connection, table, file, on_rows)
        added_months = record_versions(connection, table, file, load_id)
        verdicts = merge(connection, table, file, load_id)
        verdicts.added_months |= added_months
        verdicts.duplicates += staged.duplicates
        verdicts.rejected += staged.refusals
        _quarantine(connection, file, table, load_id, verdicts)
        _finish(connection, load_id, verdicts)
        remember(connection, file, digest)
        if verdicts.added_months:
            hold_readers(connection, table)
    return verdicts


def take_turn(connection: Connection, table: Table) -> None:
    """Wait until nobody else loads this table, until the transaction ends: two must not both find the same key new.

    Nor while marts are built: they may hold only rows that a gate has judged, and all rows of each of those loads.
    """
    connection.execute("select pg_advisory_xact_lock_shared(hashtextextended('tally build', 0))")
    connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"tally {table.system}.{table.name}",))


def _is_known(connection: Connection, table: Table, file: LandingFile, digest: str) -> bool:
    """True when this content was loaded before.

    Where the delivery can say which version of a row is newest, content that comes again later, on another day or
    under a later name, is news: the source may have gone back to an earlier state. Where versions are kept, so is what
    it held earlier.
    """
    loaded = connection.execute(
        "select delivered_on, path from ingest.loads"
        " where status = 'loaded' and system = %s and table_name = %s and content_hash = %s",
        (file.system, file.table, digest),
    ).fetchall()
    if table.history:
        return (file.delivered_on, file.relative) in loaded
    if table.newest_delivery_wins:
        return any(found >= (file.delivered_on, file.relative) for found in loaded)
    return bool(loaded)


def _begin(connection: Connection, file: LandingFile, digest: str, size: int) -> int:
    _forget_failure(connection, file)
    (load_id,) = connection.execute(
        "insert into ingest.loads (system, table_name, delivered_on, path, content_hash, size_bytes, status)"
        " values (%s, %s, %s, %s, %s, %s, 'loaded') returning load_id",
        (file.system, file.table, file.delivered_on, file.relative, digest, size),
    ).fetchall()[0]
    return int(load_id)


def _finish(connection: Connection, load_id: int, verdicts: Verdicts) -> None:
    connection.execute(
        "update ingest.loads set rows_read = %s, rows_accepted = %s, rows_duplicate = %s, rows_conflict = %s,"
        " rows_rejected = %s, loaded_at = clock_timestamp() where load_id = %s",
        (
            verdicts.rows_read,
            verdicts.accepted,
            verdicts.duplicates,
            len(verdicts.conflicts),
            len(verdicts.rejected),
            load_id,
        ),
    )


def _quarantine(connection: Connection, file: LandingFile, table: Table, load_id: int, verdicts: Verdicts) -> None:
    """Keep every refused row as delivered; the file is read again for them, which only happens when there are any."""
    refused = [("rejected", refusal) for refusal in verdicts.rejected]
    refused += [("conflict", refusal) for refusal in verdicts.conflicts]
    if not refused:
        return
    raw = read_lines(file, {refusal.line for _, refusal in refused})
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "copy ingest.quarantine (load_id, system, table_name, path, line, outcome, rule, reason, raw) from stdin"
        ) as copy,
    ):
        for outcome, refusal in refused:
            kept = _without_restricted(table, file, raw[refusal.line])
            manifest = (load_id, file.system, file.table, file.relative)
            copy.write_row((*manifest, refusal.line, outcome, refusal.rule, storable(refusal.reason), kept))
    if file.format == "csv":
        connection.execute("update ingest.loads set header = %s where load_id = %s", (read_header(file), load_id))
    note_standing_lines(connection, table, file, load_id)


def _without_restricted(table: Table, file: LandingFile, raw: bytes) -> bytes | None:
    """The raw row without the values that may not enter the warehouse; None when they cannot be cut out."""
    if not table.restricted_columns:
        return raw
    try:
        # Every value kept stays the text it was; of a name that stands twice one would be lost.
        names = [name for name, _ in json.loads(raw, object_pairs_hook=list)]
        row = msgspec.json.decode(raw.removeprefix(BOM), type=dict[str, msgspec.Raw])
    except (ValueError, TypeError, RecursionError):
        return None
    if file.format == "csv" or len(names) > len(row):
        return None
    return msgspec.json.encode({name: row[name] for name in row if name not in table.restricted_columns})


def storable(reason: str) -> str:
    """The reason without what text cannot hold: NUL, and the stand-ins for bytes that were not UTF-8."""
    return reason.replace("\0", "\\0").encode(errors="replace").decode()


def _remember_failure(connection: Connection, file: LandingFile, digest: str, size: int, reason: str) -> None:
    """One row for each refused path, the last refusal; two loaders may refuse a file at the same time."""
    with connection.transaction():
        connection.execute(
            "insert into ingest.loads (system, table_name, delivered_on, path, content_hash, size_bytes, status,"
            " reason) values (%s, %s, %s, %s, %s, %s, 'failed', %s)"
            " on conflict (system, table_name, path) where status = 'failed' do update set"
            " content_hash = excluded.content_hash, size_bytes = excluded.size_bytes, reason = excluded.reason,"
            " started_at = excluded.started_at, loaded_at = excluded.loaded_at",
            (file.system, file.table, file.delivered_on, file.relative, digest, size, reason),
        )


def _forget_failure(connection: Connection, file: LandingFile) -> None:
    connection.execute(
        "delete from ingest.loads where status = 'failed' and system = %s and table_name = %s and path = %s",
        (file.system, file.table, file.relative),
    )
