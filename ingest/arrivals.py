"""Which files of the landing zone a run looks at, and what the database remembers so that it need not look at all.

A date folder is looked into until every file found in it was loaded, and for as long as it is among the newest: so no
folder is missed, however late it comes, and what a killed loader left undone is found again. What is put into an older
folder after that waits for a run over all dates. A file whose size and version are remembered need not be read: they
stand for its hash, but that this content was loaded is still for `ingest.loads` to say.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from psycopg import Connection

from ingest.contract import System, Table
from ingest.landing import LandingFile, find_files, zone_of
from ingest.object_store import ObjectStore

# A day's folder goes on filling while the day lasts, and senders complete or mend a delivery within the week.
NEWEST_FOLDERS = 7

_FOLDERS = """
    select f.system, f.table_name, f.delivered_on, bool_and(l.load_id is not null)
    from ingest.landing_files as f
    left join ingest.loads as l
        on l.status = 'loaded'
        and (l.system, l.table_name, l.content_hash) = (f.system, f.table_name, f.content_hash)
    where f.landing = %s
    group by f.system, f.table_name, f.delivered_on
    order by f.delivered_on desc
"""
_WAITING = """
    select path from ingest.landing_files
    where landing = %s and content_hash is null
        and (%s::text is null or system = %s) and (%s::date is null or delivered_on = %s)
"""
_REMEMBERED = """
    select f.path, f.size_bytes, f.version, l.delivered_on, l.path
    from ingest.landing_files as f
    inner join ingest.loads as l
        on l.status = 'loaded'
        and (l.system, l.table_name, l.content_hash) = (f.system, f.table_name, f.content_hash)
    where f.landing = %s and f.path = any(%s) and f.version is not null
    order by f.path, l.path = f.path, l.delivered_on, l.path collate "C"
"""
_NOTE = """
    insert into ingest.landing_files as f (landing, path, system, table_name, delivered_on, size_bytes, version)
    select %s, * from unnest(%s::text[], %s::text[], %s::text[], %s::date[], %s::bigint[], %s::text[])
    on conflict (landing, path) do update
    set size_bytes = excluded.size_bytes, version = excluded.version, content_hash = null
    where (f.size_bytes, f.version) is distinct from (excluded.size_bytes, excluded.version)
"""


def find_arrivals(
    connection: Connection,
    landing: Path | ObjectStore,
    systems: Sequence[System],
    system: str | None = None,
    delivered_on: date | None = None,
    all_dates: bool = False,
) -> list[LandingFile]:
    """The files to load, in loading order, and those looked at that are known already, marked so; commits.

    Looks into the date folders that may hold something new; with `delivered_on` into those of that day, and with
    `all_dates` into every one.
    """
    place = zone_of(landing).identity
    with connection.transaction():  # not left open, or each file's transaction would be a mere part of it
        days = _days_passed_by(connection, place)
        waiting = {
            path for (path,) in connection.execute(_WAITING, (place, system, system, delivered_on, delivered_on))
        }

    def wanted(table: Table, present: Collection[date]) -> set[date]:
        return set(present) - days[table.system, table.name]

    files = find_files(landing, systems, system, delivered_on=delivered_on, wanted=None if all_dates else wanted)
    with connection.transaction():
        files = _known_marked(connection, place, systems, files)
        gone = waiting.difference(file.relative for file in files)
        connection.execute(
            "delete from ingest.landing_files where landing = %s and path = any(%s) and content_hash is null",
            (place, sorted(gone)),
        )
        _note(connection, place, [file for file in files if not file.is_known])
    return files


def remember(connection: Connection, file: LandingFile, content_hash: str) -> None:
    """Note the hash of a file that was found by `find_arrivals` and is loaded now; part of the file's transaction."""
    if file.zone and file.entry:
        connection.execute(
            "update ingest.landing_files set size_bytes = %s, version = %s, content_hash = %s"
            " where landing = %s and path = %s",
            (file.entry.size, file.entry.version, content_hash, file.zone.identity, file.relative),
        )


def _days_passed_by(connection: Connection, place: str) -> dict[tuple[str, str], set[date]]:
    """By table, the days whose every known file was loaded, but for the newest.

    The newest of those that were known before this run: after a week without one, what came late to the last day
    loaded then is still found.
    """
    days: dict[tuple[str, str], list[tuple[date, bool]]] = defaultdict(list)
    for system, table, day, is_loaded in connection.execute(_FOLDERS, (place,)):
        days[system, table].append((day, is_loaded))
    passed = {key: {day for day, is_loaded in known[NEWEST_FOLDERS:] if is_loaded} for key, known in days.items()}
    return defaultdict(set, passed)


def _known_marked(
    connection: Connection, place: str, systems: Sequence[System], files: Sequence[LandingFile]
) -> list[LandingFile]:
    tables = {
        (table.system, table.name): table for known in systems for table in (*known.tables, *known.private_tables)
    }
    rows = connection.execute(_REMEMBERED, (place, [file.relative for file in files]))
    # Of several loads of one content that of this very path stays, or else the last.
    remembered = {path: (size, version, loaded_as) for path, size, version, *loaded_as in rows}

    def is_known(file: LandingFile) -> bool:
        if file.entry is None or file.relative not in remembered:
            return False
        size, version, loaded_as = remembered[file.relative]
        if (file.entry.size, file.entry.version) != (size, version):
            return False
        table, delivery = tables[file.system, file.table], [file.delivered_on, file.relative]
        return loaded_as == delivery if table.history else not table.newest_delivery_wins or loaded_as >= delivery

    return [replace(file, is_known=True) if is_known(file) else file for file in files]


def _note(connection: Connection, place: str, files: Sequence[LandingFile]) -> None:
    """Note what was found before any of it is loaded, so that its folder stays open until all of it is."""
    rows = [
        (file.relative, file.system, file.table, file.delivered_on, file.entry.size, file.entry.version)
        for file in files
        if file.entry
    ]
    if rows:
        connection.execute(_NOTE, (place, *map(list, zip(*rows, strict=True))))
