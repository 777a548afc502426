"""Verifying seals: the roots in the file against the lists, the lists against the rows, the file against itself.

The file decides. Lists are there to name rows: one whose root is not the file's was tampered with itself, and then it
is told what can still be said without it. Nothing is changed, and loading goes on meanwhile.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from psycopg import Connection, sql

from ingest.contract import System, Table
from ingest.partitions import partitions
from ingest.seal import open_file
from ingest.seal_changes import KINDS, Change, Changes, find_changes
from ingest.seal_file import SealFile
from ingest.seal_history import History, Place, history, month_name
from ingest.seal_list import Brought, loads_of, replayed_since, surplus_since
from ingest.seal_roots import rows_give_root, tampered_trees
from ingest.seal_rows import SALT, list_of, personal_columns, sealable, use_plain_session


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was sealed.

    `what` is edited, swapped, deleted or inserted, of rows; `missing`, of a partition that is gone as a whole; `list`,
    of what the database keeps about seals; `file`, of the seal file. `rows` is exact, `keys` are some of them.
    """

    what: str
    system: str | None
    table: str | None
    month: str | None
    rows: int | None
    keys: tuple[dict[str, str], ...]
    detail: str
    files: tuple[str, ...] = ()


@dataclass
class Verification:
    """What was verified, and what was found."""

    seals: int = 0
    digest: str | None = None
    tables: int = 0
    trees: int = 0
    rows: int = 0
    erased_rows: int = 0
    replayed_rows: int = 0
    archived_months: int = 0
    findings: list[Finding] = field(default_factory=list)


def verify(
    connection: Connection,
    systems: Sequence[System],
    file: SealFile,
    keys_shown: int = 10,
    on_table: Callable[[Table], None] = lambda _: None,
) -> Verification:
    """Verify every seal of the file."""
    found = Verification()
    with file.turn():
        seals, breaks = open_file(connection, file)
        found.seals, found.digest = len(seals), seals[-1].digest if seals else None
        found.findings += [
            Finding("file", None, None, None, None, (), f"{file.path} was changed, or the database: {one.problem}")
            for one in breaks
        ]
        tables = {(table.system, table.name): table for table in sealable(systems)}
        with connection.transaction():
            connection.execute("set transaction isolation level repeatable read, read only")
            use_plain_session(connection)
            for name in dict.fromkeys((t.system, t.table) for seal in seals for t in seal.tables):
                if name in tables:
                    on_table(tables[name])
                    sealed = history(seals, tables[name])
                    _Table(connection, tables[name], sealed, found, keys_shown).verify()
                else:
                    detail = "it was sealed, and no contract describes it as an append table any more"
                    found.findings.append(Finding("missing", *name, None, None, (), detail))
    return found


_MEANING = {
    "edited": "not what was sealed",
    "swapped": "each has the content that was sealed under another's key",
    "deleted": "sealed, and no longer there",
    "inserted": "not sealed, though what their load brought was",
}


class _Table:
    """The verification of one table."""

    def __init__(
        self, connection: Connection, table: Table, sealed: History, found: Verification, keys_shown: int
    ) -> None:
        self.connection = connection
        self.table = table
        self.sealed = sealed
        self.found = found
        self.keys_shown = keys_shown
        self.loads: Mapping[int, Brought] = loads_of(connection, table)
        self.parts: dict[date | None, sql.Identifier] = {}
        if table.partition_column:
            self.parts |= {month: part for month, part in partitions(connection, table).items()}
        else:
            self.parts[None] = sql.Identifier(table.schema, table.name)

    def verify(self) -> None:
        """Everything about the table."""
        self.found.tables += 1
        self.found.trees += len(self.sealed.trees)
        self.found.rows += self.sealed.rows
        self.tell_missing()
        changes = find_changes(self.connection, self.table, self.parts, self.sealed.upto_load)
        for place in tampered_trees(self.connection, self.table, self.sealed.trees):
            self.tell_tampered(place, changes)
        self.allow_replayed(changes)
        for what in KINDS:
            for month in sorted(changes.months(what), key=str):
                kept = changes.some[what, month]
                self.add(what, month, changes.count[what, month], kept, _MEANING[what])
        self.tell_surplus()
        self.count_erased()

    def tell_missing(self) -> None:
        """Partitions that are gone as a whole."""
        rows: Counter[date | None] = Counter()
        for (_, month), tree in self.sealed.trees.items():
            if month not in self.parts:
                rows[month] += tree.rows
        for month, count in rows.items():
            if month in self.sealed.archived:
                self.found.archived_months += 1
                continue
            name = f"{self.table.system}.{self.table.name}/{month_name(month)}"
            detail = f"the whole partition is gone; if you archived it, say so: tally seal --archived {name}"
            self.add("missing", month, count, (), detail)

    def tell_tampered(self, place: Place, changes: Changes) -> None:
        """Say that a list was tampered with, and what the rows say without it."""
        number, month = place
        if place not in self.sealed.trees:
            self.add("list", month, None, (), f"the database lists rows as sealed by seal {number}, which sealed none")
            return
        said = f"what the database lists of seal {number} is not what was sealed"
        part = self.parts.get(month)
        if part and rows_give_root(self.connection, self.table, self.sealed, place, part):
            told = [change for change in changes.of(month) if self.is_of(change, number)]
            for change in told:
                changes.drop(change)
            self.add("list", month, len(told) or None, told, f"{said}; the rows themselves are as they were sealed")
        elif part:
            detail = f"{said}, and the rows do not give its root either: what is told of rows here may name others"
            self.add("list", month, None, (), detail)
        else:
            self.add("list", month, None, (), said)

    def is_of(self, change: Change, seal: int) -> bool:
        """True when the change is one of this seal's rows, as it seems by the list."""
        return change.seal == seal or (change.seal is None and self.sealed.took_in(seal, change.load))

    def allow_replayed(self, changes: Changes) -> None:
        """Take back what only looks inserted: it came by a replay, and the next seal takes it in."""
        allowed = replayed_since(self.connection, self.table, self.loads, self.sealed.upto_load)
        if sum(allowed.values()) > self.sealed.refused_rows:
            return
        unsealed = changes.kept("inserted")
        by_load = Counter(change.load for change in unsealed)
        for change in unsealed:
            if by_load[change.load] <= allowed.get(change.load, 0):
                changes.drop(change)
                self.found.replayed_rows += 1

    def tell_surplus(self) -> None:
        """Loads that no seal has yet, of which more rows are there than they brought."""
        for load, rows in surplus_since(self.connection, self.table, self.loads, self.sealed.upto_load).items():
            detail = f"more rows than load {load} brought are there under its number; which of them, no seal can tell"
            self.add("inserted", None, rows, (), detail)

    def count_erased(self) -> None:
        """Rows whose salt is gone."""
        personal = personal_columns(self.table)
        if personal:
            ((rows,),) = self.connection.execute(
                sql.SQL("select count(*) from {} where {} is null and num_nonnulls({}) > 0").format(
                    list_of(self.table),
                    sql.Identifier(SALT),
                    sql.SQL(", ").join(sql.Identifier(column.name) for column in personal),
                )
            ).fetchall()
            self.found.erased_rows += rows

    def add(self, what: str, month: date | None, rows: int | None, changes: Iterable[Change], detail: str) -> None:
        """Note a finding, with some of its keys and the files that brought them."""
        shown = sorted(changes, key=lambda change: change.key)[: self.keys_shown]
        keys = tuple(dict(zip(self.table.key, change.key, strict=True)) for change in shown)
        found = self.connection.execute(
            "select path from ingest.loads where load_id = any(%s) order by load_id", ([c.load for c in shown],)
        ).fetchall()
        files = tuple(path for (path,) in found) if what != "inserted" else ()
        name = month_name(month)
        self.found.findings.append(Finding(what, self.table.system, self.table.name, name, rows, keys, detail, files))
