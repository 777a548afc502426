"""Refused rows once more, after their contract was mended: what fits now is loaded as if it had been then.

Each file's rows are replayed in one transaction, under the file's own load, day and path, so that the version that
stands of a row is the one that would stand had the contract been right from the start. Only an append table cannot
go back: a key that another row has taken in the meantime stays taken, and the late row is a conflict.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg import Connection, sql

from ingest.batch import BOM
from ingest.contract import System, Table
from ingest.errors import UnreadableFileError
from ingest.formats.parquet import write_lines
from ingest.history import record_versions
from ingest.landing import LandingFile
from ingest.load import storable, take_turn
from ingest.merge import Verdicts, merge
from ingest.partitions import hold_readers
from ingest.quarantine import SELECTED, Selection, note_standing_lines
from ingest.stage import stage

_ROWS_AT_A_TIME = 20_000

# Rows that can be read again: kept whole, and in CSV with the header that says what their fields are.
_REPLAYABLE = """
    q.outcome = 'rejected' and q.raw is not null and (l.header is not null or l.path !~ '\\.csv(\\.gz|\\.zst)?$')
"""
_LOADS = f"""
    select l.load_id, l.system, l.table_name, l.delivered_on, l.path, l.header
    from ingest.loads l
    where exists (
        select from ingest.quarantine q where q.load_id = l.load_id and {_REPLAYABLE} and {SELECTED}
    )
    order by l.load_id
"""  # noqa: S608 -- constants of our own
# With the names that the index begins with.
_OF_LOAD = "q.system = %(of_system)s and q.table_name = %(of_table)s and q.load_id = %(of_load)s"
_ROWS = f"""
    select q.quarantine_id, q.line, q.raw
    from ingest.quarantine q
    join ingest.loads l using (load_id)
    where {_OF_LOAD} and {_REPLAYABLE} and {SELECTED}
    order by q.line
    for update of q
"""  # noqa: S608
# Ids are joined: `any` would compare every row with every one of them.
_RELEASE = """
    delete from ingest.quarantine q using unnest(%(ids)s::bigint[]) as r (id) where q.quarantine_id = r.id
"""
_RETELL = """
    update ingest.quarantine q
    set outcome = r.outcome, rule = r.rule, reason = r.reason
    from unnest(%(ids)s::bigint[], %(outcomes)s::text[], %(rules)s::text[], %(reasons)s::text[])
        as r (id, outcome, rule, reason)
    where q.quarantine_id = r.id and (q.outcome, q.rule, q.reason) is distinct from (r.outcome, r.rule, r.reason)
"""
_RECOUNT = f"""
    update ingest.loads
    set rows_accepted = rows_accepted + %(accepted)s,
        rows_duplicate = rows_duplicate + %(duplicates)s,
        rows_conflict = rows_conflict + %(conflicts)s,
        rows_rejected = rows_rejected - %(accepted)s - %(duplicates)s - %(conflicts)s,
        replayed_at = clock_timestamp(),
        header = case when exists (select from ingest.quarantine q where {_OF_LOAD}) then header end
    where load_id = %(of_load)s
"""  # noqa: S608
_LEFT_BEHIND = f"""
    select
        count(*) filter (where q.outcome = 'conflict') as conflicts,
        count(*) filter (where q.outcome = 'rejected' and not coalesce({_REPLAYABLE}, false)) as not_kept
    from ingest.quarantine q
    join ingest.loads l using (load_id)
    where {SELECTED}
"""  # noqa: S608


@dataclass(frozen=True)
class Replay:
    """What became of the refused rows of one load; with a `reason` nothing did: they could not be replayed."""

    system: str
    table: str
    path: str
    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    still_rejected: int = 0
    reason: str | None = None

    @property
    def rows(self) -> int:
        """Every row that was tried."""
        return self.accepted + self.duplicates + self.conflicts + self.still_rejected


@dataclass(frozen=True)
class LeftBehind:
    """Rows that no replay helps: they contradict history, or were not kept as they were delivered."""

    conflicts: int
    not_kept: int


@dataclass(frozen=True)
class _Load:
    """The load that rows were refused in."""

    load_id: int
    system: str
    table: str
    delivered_on: date
    path: str
    header: bytes | None

    @property
    def parameters(self) -> dict[str, object]:
        """What `_OF_LOAD` is filled with."""
        return {"of_system": self.system, "of_table": self.table, "of_load": self.load_id}


@dataclass(frozen=True)
class _Rows:
    """Refused rows in a file of their own: by its lines those they were delivered on, and by these their ids."""

    file: LandingFile
    delivered: dict[int, int]
    ids: dict[int, int]


def replay_rows(
    connection: Connection,
    systems: Sequence[System],
    selection: Selection,
    on_load: Callable[[Replay], None] | None = None,
) -> list[Replay]:
    """Replay the selected rows, those of each load in a transaction of its own, in the order they were loaded."""
    tables = {(table.system, table.name): table for system in systems for table in system.tables}
    with connection.transaction():  # not left open, or all that follows would be one transaction
        loads = [_Load(*row) for row in connection.execute(_LOADS.encode(), selection.parameters)]
    replays = []
    for load in loads:
        table = tables.get((load.system, load.table))
        done = _replay_load(connection, table, load, selection) if table else _undescribed(load)
        if done.rows or done.reason:
            replays.append(done)
            if on_load:
                on_load(done)
    return replays


def left_behind(connection: Connection, selection: Selection) -> LeftBehind:
    """How many of the selected rows a replay does not touch."""
    with connection.transaction():
        return LeftBehind(*connection.execute(_LEFT_BEHIND.encode(), selection.parameters).fetchall()[0])


def _undescribed(load: _Load) -> Replay:
    return Replay(load.system, load.table, load.path, reason="no contract describes the table any more")


def _replay_load(connection: Connection, table: Table, load: _Load, selection: Selection) -> Replay:
    try:
        with connection.transaction(), TemporaryDirectory(prefix="tally-replay-") as folder:
            take_turn(connection, table)
            rows = _written(connection, table, load, selection, Path(folder))
            if not rows.ids:  # somebody else has just replayed them
                return Replay(load.system, load.table, load.path)
            verdicts = _merged(connection, table, load, rows)
            _settle(connection, table, load, rows, verdicts)
            if verdicts.added_months:
                hold_readers(connection, table)
    except UnreadableFileError as error:
        return Replay(load.system, load.table, load.path, reason=str(error))
    except psycopg.DataError as error:
        # As in loading: a gap in the judging, which keeps this load's rows where they are and stops nothing else.
        reason = f"Postgres refused a value ({' '.join(str(error).split())})"
        return Replay(load.system, load.table, load.path, reason=reason)
    return Replay(
        load.system,
        load.table,
        load.path,
        verdicts.accepted,
        verdicts.duplicates,
        len(verdicts.conflicts),
        len(verdicts.rejected),
    )


def _written(connection: Connection, table: Table, load: _Load, selection: Selection, folder: Path) -> _Rows:
    """Write the refused rows of a load to a file of the format they came in."""
    kind = LandingFile(load.system, load.table, load.delivered_on, Path(load.path), load.path).format
    path = folder / f"rows.{kind}"
    delivered: dict[int, int] = {}
    ids: dict[int, int] = {}
    next_line = 1

    def records() -> Iterator[bytes]:
        nonlocal next_line
        for key, line, raw in _refused(connection, load, selection):
            delivered[next_line] = line
            ids[line] = key
            next_line += _lines(raw)
            yield raw if line > 1 else raw.removeprefix(BOM)

    if kind == "parquet":
        write_lines(path, records(), table)
    else:
        header = load.header or b""
        next_line += _lines(header)
        with path.open("wb") as file:
            # A mark of our own, since the first one of a file is taken off, and these rows did not stand first.
            file.write(BOM + header.removeprefix(BOM))
            file.writelines(record if record.endswith(b"\n") else record + b"\n" for record in records())
    return _Rows(LandingFile(load.system, load.table, load.delivered_on, path, load.path), delivered, ids)


def _lines(record: bytes) -> int:
    """How many lines a record takes up; the last one of a file may lack its end."""
    return record.count(b"\n") + (record != b"" and not record.endswith(b"\n"))


def _refused(connection: Connection, load: _Load, selection: Selection) -> Iterator[tuple[int, int, bytes]]:
    with connection.cursor("refused") as rows:
        rows.itersize = _ROWS_AT_A_TIME
        rows.execute(_ROWS.encode(), selection.parameters | load.parameters, binary=True)
        yield from rows


def _merged(connection: Connection, table: Table, load: _Load, rows: _Rows) -> Verdicts:
    """Run the rows through the ordinary pipeline; refusals and conflicts name the lines of the delivery."""
    staged = stage(connection, table, rows.file)
    connection.execute(
        "update arriving a set _line = r.delivered from unnest(%s::bigint[], %s::bigint[]) as r (line, delivered)"
        " where r.line = a._line",
        (list(rows.delivered), list(rows.delivered.values())),
    )
    added_months = record_versions(connection, table, rows.file, load.load_id)
    outdated = _drop_outdated(connection, table, load) if table.load_mode != "append" else 0
    verdicts = merge(connection, table, rows.file, load.load_id)
    verdicts.added_months |= added_months
    verdicts.duplicates += staged.duplicates + outdated
    verdicts.rejected += [replace(refusal, line=rows.delivered[refusal.line]) for refusal in staged.refusals]
    if verdicts.rows_read != len(rows.ids):
        raise UnreadableFileError(
            f"of {len(rows.ids)} rows {verdicts.rows_read} could be read again; deliver them anew"
        )
    return verdicts


def _drop_outdated(connection: Connection, table: Table, load: _Load) -> int:
    """Drop from `arriving` the rows that would seem as new as the row that stands, and were older when delivered.

    They are if a later load of the same day and path brought it (a file mended in place), or a later line of their own
    file; `merge`, which always has the newest load before it, need not ask.
    """
    clock = table.version_column if table.load_mode == "upsert" else None
    same_clock = sql.SQL("and t.{0} is not distinct from a.{0}").format(sql.Identifier(clock)) if clock else sql.SQL("")
    return connection.execute(
        sql.SQL(
            "delete from arriving a using {target} t, ingest.loads l, ingest.quarantine q"
            " where {same_key} {same_clock} and l.load_id = t._load_id"
            " and (l.delivered_on, l.path) = (%(delivered_on)s, %(path)s) and {of_load} and q.line = a._line"
            " and (l.load_id > q.load_id or l.load_id = q.load_id and q.standing_line > a._line)"
        ).format(
            target=sql.Identifier(table.schema, table.name),
            same_key=sql.SQL(" and ").join(sql.SQL("t.{0} = a.{0}").format(sql.Identifier(name)) for name in table.key),
            same_clock=same_clock,
            of_load=sql.SQL(_OF_LOAD),
        ),
        load.parameters | {"delivered_on": load.delivered_on, "path": load.path},
    ).rowcount


def _settle(connection: Connection, table: Table, load: _Load, rows: _Rows, verdicts: Verdicts) -> None:
    """Take out of quarantine what is in its table now, tell the rest anew, and move the counts of the load."""
    refused = [("rejected", refusal) for refusal in verdicts.rejected]
    refused += [("conflict", refusal) for refusal in verdicts.conflicts]
    staying = {refusal.line for _, refusal in refused}
    connection.execute(_RELEASE.encode(), {"ids": [key for line, key in rows.ids.items() if line not in staying]})
    told = {
        "ids": [rows.ids[refusal.line] for _, refusal in refused],
        "outcomes": [outcome for outcome, _ in refused],
        "rules": [refusal.rule for _, refusal in refused],
        "reasons": [storable(refusal.reason) for _, refusal in refused],
    }
    connection.execute(_RETELL.encode(), told)
    note_standing_lines(connection, table, rows.file, load.load_id)
    if verdicts.rows_read > len(verdicts.rejected):
        counts = {
            "accepted": verdicts.accepted,
            "duplicates": verdicts.duplicates,
            "conflicts": len(verdicts.conflicts),
        }
        connection.execute(_RECOUNT.encode(), load.parameters | counts)
