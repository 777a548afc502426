"""The lake: the raw tables and the manifest of loads as Parquet, which DuckDB reads without any server.

    lake/<system>/<table>/<table>.parquet               a table
    lake/<system>/<table>/<table>_<YYYY_MM>.parquet     each partition of a partitioned table
    lake/ingest/loads/loads.parquet                     what was loaded when

Values keep their types: numeric its precision and scale, timestamptz its microseconds in UTC, arrays their elements;
jsonb is JSON text as Postgres writes it, and a numeric without declared precision is a decimal(38, 10) or refused.
One refresh reads one snapshot. Each file tells in its metadata which state of its table it mirrors, and is written
again, aside and then renamed, only when that changed.
"""

import fcntl
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from ingest.contract import System, Table
from ingest.duck import attach_postgres, connect, identifier, quoted
from ingest.errors import TallyError
from ingest.settings import Settings
from ingest.versions import relations

WIDEST_DECIMAL = 38
DECIMAL_PLACES = 10
STATE = "tally_state"

# One row per file that the lake is to hold.
_PARTS = """
    select
        namespace.nspname,
        parent.relname,
        coalesce(part.relname, parent.relname),
        (
            select array_agg(attname || ' ' || format_type(atttypid, atttypmod) order by attnum)
            from pg_attribute
            where
                attrelid = parent.oid and attnum > 0 and not attisdropped
                -- The header of a file with refused rows is theirs, and no row of a mart.
                and (namespace.nspname, parent.relname, attname) <> ('ingest', 'loads', 'header')
        )
    from pg_class parent
    join pg_namespace namespace on namespace.oid = parent.relnamespace
    left join pg_inherits on pg_inherits.inhparent = parent.oid and parent.relkind = 'p'
    left join pg_class part on part.oid = pg_inherits.inhrelid
    where
        parent.relkind in ('r', 'p') and not parent.relispartition
        and namespace.nspname || '.' || parent.relname in ({tables})
    order by 1, 2, 3
"""
# Rows come and go by loads and replays only: a table is as it was while its newest load and its last replay are the
# same. In an append table no row goes, so each partition has a newest load of its own. The instant of a load tells
# the warehouse's own from the one with the same number in a database that was put in its place.
_STATE = """
    select concat_ws(' ', newest.load_id, newest.started_at, replays.last_at)
    from (select {newest} as load_id) as of_part
    left join ingest.loads as newest using (load_id)
    cross join (
        select max(replayed_at) as last_at from ingest.loads where 'raw_' || system = {schema} and table_name = {table}
    ) as replays
"""
_NEWEST_OF_PART = "(select max(_load_id) from {part})"
_NEWEST_OF_TABLE = (
    "(select max(load_id) from ingest.loads"
    " where 'raw_' || system = {schema} and table_name = {table} and status = 'loaded')"
)


@dataclass(frozen=True)
class Refresh:
    """What a refresh did: how many files it wrote anew, left as they were, and removed."""

    written: int = 0
    kept: int = 0
    removed: int = 0


@dataclass(frozen=True)
class _Part:
    """One file to be: a table, or one partition of it. `columns` are names with their Postgres types."""

    schema: str
    table: str
    name: str
    columns: tuple[str, ...]

    @property
    def folder(self) -> str:
        return f"{self.schema.removeprefix('raw_')}/{self.table}"

    @property
    def relation(self) -> str:
        return f"{identifier(self.schema)}.{identifier(self.name)}"

    def typed_columns(self) -> Iterator[tuple[str, str]]:
        for column in self.columns:
            name, _, kind = column.partition(" ")
            yield identifier(name), kind


@contextmanager
def turn_at_lake(settings: Settings) -> Iterator[Path]:
    """The lake's folder, for one process at a time: two that wrote it would remove each other's files."""
    lake = settings.make_home() / "lake"
    lake.mkdir(parents=True, exist_ok=True)
    with (lake / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lake


def refresh_lake(settings: Settings, systems: Iterable[System], lake: Path) -> Refresh:
    """Make the lake mirror the raw tables of these systems, which must exist; needs the turn at the lake.

    TallyError names the column whose number no decimal(38, 10) can hold; the files written before it stay.
    """
    loaded = {
        (relation.schema, relation.name): (relation, table.name)
        for system in systems
        for table in system.tables
        for relation in relations(table)
    }
    written = kept = 0
    with connect(settings) as duck:
        attach_postgres(duck, settings)
        duck.begin()  # one snapshot for everything that follows
        parts = _parts(duck, [*loaded, ("ingest", "loads")])
        for part in parts:
            state = (
                _state(duck, part, *loaded[part.schema, part.table]) if (part.schema, part.table) in loaded else None
            )
            file = lake / part.folder / f"{part.name}.parquet"
            if state and state == _state_of(duck, file):
                kept += 1
            else:
                _write(duck, part, state, file)
                written += 1
    return Refresh(written, kept, _remove_others(lake, parts))


def create_views(database: duckdb.DuckDBPyConnection, lake: Path) -> None:
    """Views `raw_<system>.<table>` and `ingest.loads` over the lake's files, in a database that has none yet."""
    for folder in sorted({file.parent for file in lake.glob("*/*/*.parquet")}):
        schema = folder.parent.name if folder.parent.name == "ingest" else f"raw_{folder.parent.name}"
        database.execute(f"create schema if not exists {identifier(schema)}")
        database.execute(
            f"create view {identifier(schema)}.{identifier(folder.name)}"
            f" as select * from read_parquet({quoted(f'{folder}/*.parquet')})"
        )


def _ask(duck: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return duck.execute(f"select * from postgres_query('postgres', {quoted(query)})").fetchall()


def _parts(duck: duckdb.DuckDBPyConnection, tables: Iterable[tuple[str, str]]) -> list[_Part]:
    names = ", ".join(quoted(f"{schema}.{table}") for schema, table in tables)
    found = _ask(duck, _PARTS.format(tables=names))
    return [_Part(schema, table, name, tuple(columns)) for schema, table, name, columns in found]


def _state(duck: duckdb.DuckDBPyConnection, part: _Part, table: Table, loaded_as: str) -> str:
    """What the part's file is to say of itself; `loaded_as` is the table whose loads fill it."""
    newest = _NEWEST_OF_PART if table.load_mode == "append" else _NEWEST_OF_TABLE
    words = {"schema": quoted(part.schema), "table": quoted(loaded_as), "part": part.relation}
    ((state,),) = _ask(duck, _STATE.format(newest=newest.format(**words), **words))
    return f"{state}; {', '.join(part.columns)}"


def _state_of(duck: duckdb.DuckDBPyConnection, file: Path) -> str | None:
    """What a file says of itself; None where there is no file."""
    if not file.exists():
        return None
    query = f"select decode(value) from parquet_kv_metadata({quoted(str(file))}) where decode(key) = {quoted(STATE)}"
    found = duck.execute(query).fetchone()
    return found[0] if found else None


def _write(duck: duckdb.DuckDBPyConnection, part: _Part, state: str | None, file: Path) -> None:
    asked, kept = [], []
    for name, kind in part.typed_columns():
        if kind in ("json", "jsonb"):
            asked.append(f"{name}::text as {name}")
            kept.append(f"{name}::json as {name}")
        elif _is_unbounded(kind):
            _refuse_inexact(duck, part, name)
            asked.append(f"{name}::numeric({WIDEST_DECIMAL}, {DECIMAL_PLACES}) as {name}")
            kept.append(name)
        else:
            asked.append(name)
            kept.append(name)
    query = f"select {', '.join(asked)} from {part.relation}"
    metadata = f", kv_metadata {{{STATE}: {quoted(state)}}}" if state else ""
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_suffix(".writing")
    duck.execute(
        f"copy (select {', '.join(kept)} from postgres_query('postgres', {quoted(query)}))"
        f" to {quoted(str(aside))} (format parquet, compression zstd{metadata})"
    )
    aside.replace(file)


def _is_unbounded(kind: str) -> bool:
    """True for a numeric that declares no precision, or more than DuckDB's decimals have."""
    declared = re.fullmatch(r"numeric\((\d+),\d+\)", kind)
    return kind.startswith("numeric") and not (declared and int(declared[1]) <= WIDEST_DECIMAL)


def _refuse_inexact(duck: duckdb.DuckDBPyConnection, part: _Part, column: str) -> None:
    """TallyError for a column that holds what the lake's decimal cannot."""
    digits = WIDEST_DECIMAL - DECIMAL_PLACES
    ((wide,),) = _ask(
        duck,
        f"select count(*) from {part.relation}"
        f" where scale(trim_scale({column})) > {DECIMAL_PLACES} or abs({column}) >= 1e{digits}",
    )
    if wide:
        raise TallyError(
            f"{part.relation} holds {wide} numbers in {column} of more than {digits} digits or {DECIMAL_PLACES}"
            " decimals, which no file of the lake can hold exactly; declare the column's precision in its contract."
        )


def _remove_others(lake: Path, parts: Iterable[_Part]) -> int:
    """Remove the files of partitions and tables that are no more; returns how many."""
    mirrored = {lake / part.folder / f"{part.name}.parquet" for part in parts}
    others = [file for file in lake.glob("*/*/*.parquet") if file not in mirrored]
    for file in others:
        file.unlink()
    return len(others)
