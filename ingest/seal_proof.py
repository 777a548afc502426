"""Proofs that one row was sealed: what whoever has the seal file can check without the database, and without Tally.

The README holds a script of thirty lines that does.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg import Connection, errors, sql

from ingest import merkle
from ingest.contract import Table
from ingest.errors import ConfigurationError, TallyError
from ingest.seal import open_file
from ingest.seal_file import SealFile
from ingest.seal_history import Place, history
from ingest.seal_list import leaves
from ingest.seal_rows import (
    MONTH,
    SEAL,
    hashed,
    is_text,
    key_text,
    leaf,
    list_of,
    month_of,
    present_content,
    use_plain_session,
)

FORMAT = 1


class _Row(NamedTuple):
    """A row as it is now, and its entry in the list."""

    place: Place
    key: str
    content: str
    leaf: bytes


def prove(connection: Connection, table: Table, key: Sequence[str], file: SealFile) -> dict[str, Any]:
    """The proof that the row with this key is in its tree, as it is now.

    ConfigurationError when no seal has the row; TallyError when row, list or file are not as they were sealed.
    """
    with file.turn():
        seals, breaks = open_file(connection, file)
    if breaks:
        raise TallyError(f"{file.path} proves nothing: {breaks[0].problem}; `tally verify` tells more.")
    trees = history(seals, table).trees
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        use_plain_session(connection)
        row = _find(connection, table, key, sorted({number for number, _ in trees}))
        index = _index(connection, table, row.place, key)
        for _, _, hashes in leaves(connection, table, list_of(table), _tree(table, row.place)):
            count, root, siblings = merkle.path_through_stream(hashes, index)
    tree = trees.get(row.place)
    if not tree or (count, root.hex()) != (tree.rows, tree.root):
        raise TallyError(
            f"What the database lists of {table.system}.{table.name} is not what was sealed; `tally verify` tells more."
        )
    sealed = seals[row.place[0] - 1]
    return {
        "tally_proof": FORMAT,
        "system": table.system,
        "table": table.name,
        "month": tree.month,
        "key": row.key,
        "content": row.content,
        "leaf": row.leaf.hex(),
        "index": index,
        "size": count,
        "siblings": [sibling.hex() for sibling in siblings],
        "root": tree.root,
        "seal": sealed.seal,
        "sealed_at": sealed.sealed_at,
        "line_sha256": sealed.digest,
    }


def _find(connection: Connection, table: Table, key: Sequence[str], seals: list[int]) -> _Row:
    """The row, whose leaf must be the one of its entry."""
    name = f"{table.system}.{table.name} {' '.join(key)}"
    place = _place(connection, table, key, seals, name)
    in_month: sql.Composable = sql.SQL("true")
    if place[1]:
        in_month = sql.SQL("{} = {}").format(month_of(table, "r"), place[1])
    rows = connection.execute(
        sql.SQL(
            "select {key}, {content}, {sealed}, sha256('\\x00'::bytea || convert_to({key}, 'UTF8') || {hash})"
            " from {list} e cross join {table} r where {of_tree} and {is_entry} and {is_row} and {in_month}"
        ).format(
            key=key_text(table, "r"),
            content=present_content(table, "r", "e"),
            sealed=leaf(table, "e"),
            hash=hashed(present_content(table, "r", "e")),
            list=list_of(table),
            table=sql.Identifier(table.schema, table.name),
            of_tree=_tree(table, place),
            is_entry=_is_key(table, "e", key),
            is_row=_is_key(table, "r", key),
            in_month=in_month,
        )
    ).fetchall()
    for text, content, sealed, now in rows:
        if sealed == now:
            return _Row(place, text, content, now)
    became = "is not what it was" if rows else "is gone, and was there"
    raise TallyError(f"{name} {became} when it was sealed; `tally verify` tells more.")


def _place(connection: Connection, table: Table, key: Sequence[str], seals: list[int], name: str) -> Place:
    if len(key) != len(table.key):
        raise ConfigurationError(f"The key of {table.system}.{table.name} is {', '.join(table.key)}; give each of it.")
    month = sql.Identifier(MONTH) if table.partition_column else sql.SQL("null::date")
    query = sql.SQL("select {}, {} from {} e where {} = any(%s) and {}").format(
        sql.Identifier(SEAL), month, list_of(table), sql.Identifier(SEAL), _is_key(table, "e", key)
    )
    present = sql.SQL("select exists (select from {} r where {})").format(
        sql.Identifier(table.schema, table.name), _is_key(table, "r", key)
    )
    try:
        entries = connection.execute(query, (seals,)).fetchall()
        ((is_there,),) = connection.execute(present).fetchall()
    except errors.DataError as error:
        raise ConfigurationError(f"{name} cannot be a key: {error.diag.message_primary}.") from error
    if entries:
        return entries[0][0], entries[0][1]
    if is_there:
        raise ConfigurationError(f"{name} is not sealed yet; `tally seal` does that.")
    raise ConfigurationError(f"There is no {name}, and no seal has it.")


def _index(connection: Connection, table: Table, place: Place, key: Sequence[str]) -> int:
    """How many entries of the tree come before the row's."""
    names = sql.SQL(", ").join(sql.Identifier("e", name) for name in table.key)
    values = sql.SQL(", ").join(value for _, value in _typed(table, key))
    ((index,),) = connection.execute(
        sql.SQL("select count(*) from {} e where {} and ({}) < ({})").format(
            list_of(table), _tree(table, place), names, values
        )
    ).fetchall()
    return int(index)


def _tree(table: Table, place: Place) -> sql.Composed:
    """The condition on entries `e` of one tree."""
    number, month = place
    condition = sql.SQL("e.{} = {}").format(sql.Identifier(SEAL), number)
    if month:
        condition += sql.SQL(" and e.{} = {}").format(sql.Identifier(MONTH), month)
    return condition


def _is_key(table: Table, row: str, key: Sequence[str]) -> sql.Composed:
    return sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier(row, name), value) for name, value in _typed(table, key)
    )


def _typed(table: Table, key: Sequence[str]) -> list[tuple[str, sql.Composed]]:
    kinds = {column.name: column.type for column in table.columns}
    return [
        (name, sql.SQL("{}::{}").format(text, sql.SQL("text" if is_text(kinds[name]) else kinds[name])))
        for name, text in zip(table.key, key, strict=True)
    ]
