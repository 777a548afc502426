"""Sealing: the rows of append tables that no seal has yet go into the lists of their tables and under new roots.

A seal is one transaction: lists, roots and the copy of the line's digest are there together or not at all, and its line
is appended to the seal file once they are. What was sealed before is neither read nor hashed again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date

from psycopg import Connection, sql

from ingest import merkle
from ingest.contract import System, Table
from ingest.errors import ConfigurationError, TallyError
from ingest.load import take_turn
from ingest.partitions import partitions
from ingest.seal_file import Archived, Break, Seal, SealedTable, SealFile, Tree
from ingest.seal_history import History, first_day, history, month_name
from ingest.seal_list import SEALING, enter, gather, leaves, loads_of, replayed_since, surplus_since
from ingest.seal_rows import personal_columns, sealable, use_plain_session


@dataclass
class Sealing:
    """What a call made: the seal, unless there was nothing new; and why tables were left unsealed."""

    seal: Seal | None = None
    problems: list[str] = field(default_factory=list)


def seal(
    connection: Connection,
    systems: Sequence[System],
    file: SealFile,
    archived: Sequence[Archived] = (),
    on_table: Callable[[SealedTable], None] = lambda _: None,
) -> Sealing:
    """Seal what is new, and note the months that were archived; commits.

    TallyError when the file is not the one that the database's earlier seals are in.
    """
    done = Sealing()
    with file.turn():
        seals = _earlier(connection, file)
        with connection.transaction():
            use_plain_session(connection)
            connection.execute("lock table audit.seals in share row exclusive mode")
            tables = []
            for table in sealable(systems):
                sealed = _seal_table(connection, table, len(seals) + 1, history(seals, table), done.problems)
                if sealed:
                    tables.append(sealed)
                    on_table(sealed)
            _refuse_attached(connection, archived, systems)
            if tables or archived:
                previous = seals[-1].digest if seals else None
                made = Seal(len(seals) + 1, _now(connection), previous, tuple(tables), tuple(archived))
                done.seal = file.announce(made)
                _note(connection, done.seal)
        if done.seal:
            file.confirm()
    return done


def open_file(connection: Connection, file: SealFile) -> tuple[list[Seal], list[Break]]:
    """The file's seals, after a seal that was interrupted is settled, and where file or database were tampered with.

    Commits; the caller has the turn at the file.
    """

    def is_committed(number: int, digest: str) -> bool:
        return (number, digest) in _noted(connection).items()

    file.settle(is_committed)
    seals, breaks = file.read()
    noted = _noted(connection)
    held = {found.seal: found.digest for found in seals}
    for number in sorted(noted.keys() | held.keys()):
        if number not in held:
            breaks.append(Break(number, f"line {number} is not in the file, and the database knows of it"))
        elif number not in noted:
            breaks.append(Break(number, f"the database does not know of line {number}"))
        elif noted[number] != held[number]:
            breaks.append(Break(number, f"line {number} is not the one that the database has noted"))
    return seals, breaks


def _earlier(connection: Connection, file: SealFile) -> list[Seal]:
    seals, breaks = open_file(connection, file)
    if breaks:
        raise TallyError(
            f"Nothing was sealed, because {file.path} is not the file of this database's seals: {breaks[0].problem}."
            " Name the right file with --file, or restore it from a copy; `tally verify` tells more."
        )
    return seals


def _noted(connection: Connection) -> dict[int, str]:
    with connection.transaction():
        return dict(connection.execute("select seal, digest from audit.seals").fetchall())


def _seal_table(
    connection: Connection, table: Table, number: int, before: History, problems: list[str]
) -> SealedTable | None:
    """Seal the table's rows that no seal has; None when there is none, or with a new problem when there is one."""
    take_turn(connection, table)
    loads = loads_of(connection, table)
    replayed = replayed_since(connection, table, loads, before.upto_load)
    if sum(replayed.values()) > before.refused_rows:
        replayed = {}  # more than could come by replay: `tally verify` names them
    if not replayed and max(loads, default=0) <= before.upto_load:
        return None
    surplus = surplus_since(connection, table, loads, before.upto_load)
    if surplus:
        problems.append(_of_surplus(table, surplus))
        return None
    gather(connection, table, number, before.upto_load, list(replayed))
    trees = tuple(
        Tree(month_name(month), count, root.hex())
        for _, month, hashes in leaves(connection, table, SEALING, sql.SQL("true"))
        for count, root in [merkle.root_of_stream(hashes)]
    )
    enter(connection, table)
    if not trees:
        return None
    return SealedTable(
        system=table.system,
        table=table.name,
        key=table.key,
        columns=tuple(column.name for column in table.columns),
        personal=tuple(column.name for column in personal_columns(table)),
        upto_load=max(loads),
        refused_rows=sum(brought.rejected for brought in loads.values()),
        trees=trees,
    )


def _of_surplus(table: Table, surplus: dict[int, int]) -> str:
    load, rows = min(surplus.items())
    more = f"{rows:,} row{'' if rows == 1 else 's'}"
    return (
        f"{table.system}.{table.name} was not sealed: {more} more than load {load} brought are there under its number,"
        " inserted by somebody else; remove them, or deliver them in a file."
    )


def _refuse_attached(connection: Connection, archived: Sequence[Archived], systems: Sequence[System]) -> None:
    """ConfigurationError for a month that is still there, or is none of a table that has months."""
    tables = {(table.system, table.name): table for table in sealable(systems)}
    for one in archived:
        table = tables.get((one.system, one.table))
        if not table or not table.partition_column:
            raise ConfigurationError(f"{one.system}.{one.table} is no append table with monthly partitions.")
        if date.fromisoformat(f"{one.month}-01") in partitions(connection, table):
            raise ConfigurationError(
                f"{one.system}.{one.table} still has its partition of {one.month}; detach it first, then say so."
            )


def _note(connection: Connection, made: Seal) -> None:
    """Keep a copy of the line's digest and trees where SQL can reach them."""
    connection.execute("insert into audit.seals values (%s, %s, %s)", (made.seal, made.digest, made.sealed_at))
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into audit.seal_trees values (%s, %s, %s, %s, %s, %s, %s)",
            [
                (made.seal, sealed.system, sealed.table, first_day(tree.month), tree.rows, tree.root, sealed.upto_load)
                for sealed in made.tables
                for tree in sealed.trees
            ],
        )
        cursor.executemany(
            "insert into audit.archived_partitions values (%s, %s, %s, %s) on conflict do nothing",
            [(one.system, one.table, first_day(one.month), made.seal) for one in made.archived],
        )


def _now(connection: Connection) -> str:
    ((instant,),) = connection.execute("select clock_timestamp()").fetchall()
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
