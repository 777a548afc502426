"""Whether lists and rows still give the roots that were sealed."""

from collections.abc import Mapping
from datetime import date

from psycopg import Connection, sql

from ingest import merkle
from ingest.contract import Table
from ingest.seal_file import Tree
from ingest.seal_history import History, Place
from ingest.seal_list import leaves
from ingest.seal_rows import CONTENT, LOAD, MONTH, SEAL, hashed, key_columns, list_of, present_content, same_key

_ALL = sql.SQL("true")


def tampered_trees(connection: Connection, table: Table, trees: Mapping[Place, Tree]) -> list[Place]:
    """The trees whose root the list does not give, those that it has of no seal among them."""
    there = {
        (number, month): merkle.root_of_stream(hashes)
        for number, month, hashes in leaves(connection, table, list_of(table), _ALL)
    }
    expected = {place: _size_and_root(tree) for place, tree in trees.items()}
    places = there.keys() | expected.keys()
    return sorted((place for place in places if there.get(place) != expected.get(place)), key=str)


def rows_give_root(connection: Connection, table: Table, sealed: History, place: Place, part: sql.Identifier) -> bool:
    """True when the rows of a partition give the root of a tree, though the list does not.

    They are found by the keys of the list, whose hashes may be wrong; or by the loads that the seal took in, where the
    list has lost keys or has too many, which only serves where nothing is personal and nothing came by replay.
    """
    after, upto = sealed.loads[place[0]]
    number, month = place
    names: dict[str, sql.Composable] = {
        "seal": sql.Identifier(SEAL),
        "load": sql.Identifier(LOAD),
        "hash": sql.Identifier(CONTENT),
        "place": _as_place(number, month),
        "list": list_of(table),
        "part": part,
        "content": hashed(present_content(table, "r", "l")),
    }
    listed = sql.SQL(
        "(select {keys}, {place}, r.{load}, {content} as {hash} from {list} l join {part} r on {same_key}"
        " where l.{seal} = {number} and {in_month})"
    ).format(
        keys=_keys(table, "l"),
        same_key=same_key(table, "l", "r"),
        number=number,
        in_month=sql.SQL("l.{} = {}").format(sql.Identifier(MONTH), month) if month else _ALL,
        **names,
    )
    loaded = sql.SQL(
        "(select {keys}, {place}, r.{load}, {content} as {hash} from {part} r"
        " left join (select * from {list} limit 0) l on true where r.{load} > {after} and r.{load} <= {upto})"
    ).format(keys=_keys(table, "r"), after=after, upto=upto, **names)
    expected = _size_and_root(sealed.trees[place])
    return any(
        merkle.root_of_stream(hashes) == expected
        for rows in (listed, loaded)
        for _, _, hashes in leaves(connection, table, rows, _ALL)
    )


def _size_and_root(tree: Tree) -> tuple[int, bytes]:
    return tree.rows, bytes.fromhex(tree.root)


def _keys(table: Table, row: str) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("{} as {}").format(value, sql.Identifier(name)) for name, value in key_columns(table, row).items()
    )


def _as_place(number: int, month: date | None) -> sql.Composed:
    parts = [sql.SQL("{}::integer as {}").format(number, sql.Identifier(SEAL))]
    if month:
        parts.append(sql.SQL("{}::date as {}").format(month, sql.Identifier(MONTH)))
    return sql.SQL(", ").join(parts)
