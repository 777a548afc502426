"""What a reader sees in one transaction, and how that differs from what the model says it may see."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from ingest.contract import Table
from tests.faults.model import Counts, Delivery, Held, Key, Refused, State, is_known, replay

Manifest = tuple[str, str, str, int, Counts]  # path, status, digest, size in bytes, counts


@dataclass
class Snapshot:
    """The manifest by load, in the order of loading, and everything that refers to it."""

    loads: dict[int, Manifest]
    rows: dict[str, list[tuple[Key, tuple[Any, ...], int]]]  # by table: key, values, load
    quarantine: list[tuple[int, Refused]]


def take(connection: psycopg.Connection, tables: Mapping[str, Table]) -> Snapshot:
    """Read everything in one short transaction that sees one moment."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        return read(connection, tables)


def read(connection: psycopg.Connection, tables: Mapping[str, Table]) -> Snapshot:
    """Read everything in the transaction there is."""
    loads = {
        load_id: (path, status, digest, size, Counts(*counts))
        for load_id, path, status, digest, size, *counts in connection.execute(
            "select load_id, path, status, content_hash, size_bytes, rows_read, rows_accepted, rows_duplicate,"
            " rows_conflict, rows_rejected from ingest.loads order by load_id"
        )
    }
    rows = {name: list(_rows(connection, table)) for name, table in tables.items()}
    quarantine = [
        # The row of a parquet file has no bytes of its own.
        (load_id, Refused(path, line, outcome, rule, None if path.endswith(".parquet") else raw))
        for load_id, path, line, outcome, rule, raw in connection.execute(
            "select load_id, path, line, outcome, rule, raw from ingest.quarantine"
        )
    ]
    return Snapshot(loads, rows, quarantine)


def _rows(connection: psycopg.Connection, table: Table) -> Iterator[tuple[Key, tuple[Any, ...], int]]:
    names = [column.name for column in table.columns]
    places = [names.index(name) for name in table.key]
    query = sql.SQL("select {}, _load_id from {}").format(
        sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(table.schema, table.name)
    )
    for *values, load_id in connection.execute(query):
        yield tuple(values[place] for place in places), tuple(values), load_id


class Judge:
    """Compares snapshots with the model; what it worked out for one set of loaded files it keeps."""

    def __init__(self, tables: Mapping[str, Table], deliveries: Sequence[Delivery]) -> None:
        self.tables = tables
        self.deliveries = {delivery.path: delivery for delivery in deliveries}
        self.states: dict[tuple[str, tuple[str, ...]], State] = {}

    def partial(self, seen: Snapshot) -> list[str]:
        """What no reader may see at any moment: anything but whole files, loaded one after the other."""
        problems = [f"two loads of one path: {path}" for path in _repeated([load[0] for load in seen.loads.values()])]
        problems += [
            f"{path} is in the manifest as {status}, but is it readable? {self.deliveries[path].readable}"
            for path, status, *_ in seen.loads.values()
            if self.deliveries[path].readable != (status == "loaded")
        ]
        for name in self.tables:
            loads = {
                load_id: load
                for load_id, load in seen.loads.items()
                if self.deliveries[load[0]].table == name and load[1] == "loaded"
            }
            if not problems:
                problems += self._of_table(name, loads, seen)
        strangers = {load_id for load_id, _ in seen.quarantine} - set(seen.loads)
        return problems + [f"quarantined rows of load {load_id}, which is not in the manifest" for load_id in strangers]

    def unfinished(self, seen: Snapshot) -> list[str]:
        """What is missing once a loader has gone through the whole landing zone."""
        problems = self.partial(seen)
        paths = {load[0] for load in seen.loads.values()}
        loaded = [self.deliveries[path] for path, status, *_ in seen.loads.values() if status == "loaded"]
        for path, delivery in self.deliveries.items():
            same_table = [other for other in loaded if other.table == delivery.table]
            if path not in paths and not is_known(self.tables[delivery.table], delivery, same_table):
                problems.append(f"{path} was never loaded")
        return problems

    def _of_table(self, name: str, loads: Mapping[int, Manifest], seen: Snapshot) -> Iterator[str]:
        table = self.tables[name]
        in_order = [self.deliveries[path] for path, *_ in loads.values()]
        for place, delivery in enumerate(in_order):
            if is_known(table, delivery, in_order[:place]):
                yield f"{delivery.path} was loaded, though its content was known"
        expected = self._replayed(name, in_order)
        for path, _, digest, size, counts in loads.values():
            if counts != expected.manifest[path]:
                yield f"{path} counts {counts}, not {expected.manifest[path]}"
            if (digest, size) != (self.deliveries[path].digest, len(self.deliveries[path].content)):
                yield f"{path} has another content hash or size in the manifest"
        held: dict[Key, Held] = {}
        for key, values, load_id in seen.rows[name]:
            if key in held:
                yield f"{name} holds {key} twice"
            held[key] = Held(values, loads[load_id][0] if load_id in loads else f"load {load_id}, not in the manifest")
        yield from _differences(f"row of {name}", held, expected.rows)
        refused = [found for load_id, found in seen.quarantine if load_id in loads]
        yield from (f"{found} is twice in the quarantine" for found in _repeated(refused))
        yield from (f"{found} should not be in the quarantine" for found in set(refused) - expected.quarantine)
        yield from (f"{missing} is not in the quarantine" for missing in expected.quarantine - set(refused))

    def _replayed(self, name: str, in_order: Sequence[Delivery]) -> State:
        paths = tuple(delivery.path for delivery in in_order)
        if (name, paths) not in self.states:
            self.states[name, paths] = replay(self.tables[name], in_order)
        return self.states[name, paths]


def _differences(what: str, found: Mapping[Key, Held], expected: Mapping[Key, Held]) -> Iterator[str]:
    for key in sorted(found.keys() | expected.keys(), key=str):
        if found.get(key) != expected.get(key):
            yield f"{what} {key} is {found.get(key)}, not {expected.get(key)}"


def _repeated(items: Sequence[Any]) -> set[Any]:
    seen: set[Any] = set()
    return {item for item in items if item in seen or seen.add(item)}  # type: ignore[func-returns-value]
