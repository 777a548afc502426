"""Which rows of a table are not as its list has them, and what became of each: edited, swapped, deleted or inserted.

The list is believed here; whether it may be is for its roots to say (`seal_verify`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal, get_args

from psycopg import Connection, sql

from ingest.contract import Table
from ingest.seal_rows import CONTENT, LOAD, MONTH, SEAL, hashed, list_of, present_content, same_key

What = Literal["edited", "swapped", "deleted", "inserted"]
KINDS: tuple[What, ...] = get_args(What)
# Of each kind and month; all are counted, and so many compared with each other: 10,000 take some 5 MB.
KEPT = 10_000


@dataclass(frozen=True)
class Change:
    """One row that is not as sealed. `sealed` and `found` are the hashes of its content, then and now."""

    what: What
    month: date | None
    key: tuple[str, ...]
    seal: int | None
    load: int
    sealed: bytes | None
    found: bytes | None


@dataclass
class Changes:
    """Changes by kind and month: some of them, and how many there are."""

    some: dict[tuple[What, date | None], dict[Change, None]] = field(default_factory=lambda: defaultdict(dict))
    count: Counter[tuple[What, date | None]] = field(default_factory=Counter)

    def add(self, change: Change) -> None:
        """Count the change, and keep it if few of its kind are kept."""
        place = change.what, change.month
        self.count[place] += 1
        if len(self.some[place]) < KEPT:
            self.some[place][change] = None

    def drop(self, change: Change) -> None:
        """Take a change back."""
        place = change.what, change.month
        del self.some[place][change]
        self.count[place] -= 1

    def retell(self, change: Change, what: What, found: bytes | None) -> None:
        """Tell a change as another."""
        self.drop(change)
        self.add(replace(change, what=what, found=found))

    def kept(self, what: What) -> list[Change]:
        """The changes of a kind that are kept."""
        return [change for (kind, _), changes in self.some.items() if kind == what for change in changes]

    def of(self, month: date | None) -> list[Change]:
        """The changes in a month that are kept."""
        return [change for (_, found), changes in self.some.items() if found == month for change in changes]

    def months(self, what: What) -> list[date | None]:
        """The months with changes of a kind."""
        return [month for (kind, month), count in self.count.items() if kind == what and count]


def find_changes(
    connection: Connection, table: Table, parts: Mapping[date | None, sql.Identifier], upto_load: int
) -> Changes:
    """The rows of these partitions, by month, that are not as listed; of unlisted ones those of loads up to one."""
    changes = Changes()
    for month, part in sorted(parts.items(), key=lambda item: str(item[0])):
        for change in _of_part(connection, table, month, part, upto_load):
            changes.add(change)
    _join_moved(changes)
    _pair_swapped(changes)
    return changes


def _of_part(
    connection: Connection, table: Table, month: date | None, part: sql.Identifier, upto_load: int
) -> Iterator[Change]:
    some_key = sql.Identifier(table.key[0])
    query = sql.SQL(
        """
        select
            case
                when r.{some_key} is null then 'deleted'
                when l.{seal} is null or {is_copy} then 'inserted'
                else 'edited'
            end,
            array[{key}], l.{seal}, coalesce(l.{load}, r.{load}), l.{content},
            case when r.{some_key} is not null then {present} end
        from (select * from {list} where {in_month}) l
        full join {part} r on {same_key}
        where case
            when l.{seal} is null then r.{load} <= {upto_load}
            when r.{some_key} is null or r.{load} <> l.{load} then true
            else {present} <> l.{content}
        end
        order by 2
        """
    ).format(
        some_key=some_key,
        key=sql.SQL(", ").join(
            sql.SQL("coalesce(l.{0}::text, r.{0}::text)").format(sql.Identifier(name)) for name in table.key
        ),
        seal=sql.Identifier(SEAL),
        load=sql.Identifier(LOAD),
        content=sql.Identifier(CONTENT),
        present=hashed(present_content(table, "r", "l")),
        is_copy=_has_true_twin(table, part),
        list=list_of(table),
        in_month=sql.SQL("{} = {}").format(sql.Identifier(MONTH), month) if month else sql.SQL("true"),
        part=part,
        same_key=same_key(table, "l", "r"),
        upto_load=upto_load,
    )
    with connection.cursor("changes") as cursor:
        cursor.execute(query, binary=True)
        for what, key, number, load, sealed, found in cursor:
            yield Change(what, month, tuple(key), number, load, sealed, found)


def _has_true_twin(table: Table, part: sql.Identifier) -> sql.Composed:
    """The condition that the sealed row stands beside a changed one: the partition column makes two keys of theirs."""
    if not table.partition_column or table.partition_column in table.key:
        return sql.SQL("{}").format(sql.SQL("false"))
    return sql.SQL(
        "exists (select from {part} t where {same_key} and t.{load} = l.{load} and {content} = l.{hash})"
    ).format(
        part=part,
        same_key=same_key(table, "l", "t"),
        load=sql.Identifier(LOAD),
        content=hashed(present_content(table, "t", "l")),
        hash=sql.Identifier(CONTENT),
    )


def _join_moved(changes: Changes) -> None:
    """A row that is gone from one month and stands in another, under the same key, was edited."""
    deleted = {change.key: change for change in changes.kept("deleted")}
    for inserted in changes.kept("inserted"):
        gone = deleted.pop(inserted.key, None)
        if gone:
            changes.drop(inserted)
            changes.retell(gone, "edited", inserted.found)


def _pair_swapped(changes: Changes) -> None:
    """Two edited rows, each of which has the content that was sealed of the other, were swapped."""
    by_content: dict[tuple[bytes | None, bytes | None], list[Change]] = defaultdict(list)
    for change in changes.kept("edited"):
        by_content[change.sealed, change.found].append(change)
    for (sealed, found), these in list(by_content.items()):
        others = by_content.get((found, sealed), [])
        while sealed != found and these and others:
            for change in (these.pop(), others.pop()):
                changes.retell(change, "swapped", change.found)
