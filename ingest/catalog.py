"""What Postgres holds of the contracts' tables: columns, checks, keys and partitioning, as its catalog tells.

Nothing here knows what a contract says; `migrate` compares the two.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from psycopg import Connection


@dataclass
class FoundColumn:
    """One column. `type` is spelt as `format_type` does; each check comes with the name of its constraint."""

    type: str
    required: bool
    allowed: tuple[str, frozenset[str]] | None = None
    minimum: tuple[str, Decimal] | None = None
    maximum: tuple[str, Decimal] | None = None


@dataclass
class FoundTable:
    """One raw table; `immutable` when a trigger refuses change, `registered` when its key registry is there.

    `listed` are the columns of the list of its sealed rows; none when there is no list.
    """

    key: tuple[str, ...]
    partition_column: str | None
    immutable: bool
    registered: bool
    listed: frozenset[str]
    columns: dict[str, FoundColumn] = field(default_factory=dict)


_TABLES = """
    select
        substr(n.nspname, 5),
        t.relname,
        (
            select array_agg(a.attname::text order by array_position(i.indkey::smallint[], a.attnum))
            from pg_index i
            join pg_attribute a on a.attrelid = t.oid and a.attnum = any(i.indkey)
            where i.indrelid = t.oid and i.indisprimary
        ),
        (
            select a.attname
            from pg_partitioned_table p
            join pg_attribute a on a.attrelid = t.oid and a.attnum = p.partattrs[0]
            where p.partrelid = t.oid
        ),
        exists (select from pg_trigger g where g.tgrelid = t.oid and g.tgname = 'immutable'),
        exists (
            select from pg_attribute a
            where
                a.attrelid = to_regclass(format('%%I.%%I', 'keys_' || substr(n.nspname, 5), t.relname))
                and a.attname = '_check'
        ),
        array(
            select a.attname::text
            from pg_attribute a
            where
                a.attrelid = to_regclass(format('%%I.%%I', 'seals_' || substr(n.nspname, 5), t.relname))
                and a.attnum > 0 and not a.attisdropped
        ),
        array(
            select array[a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull::text]
            from pg_attribute a
            where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
        ),
        array(
            select array[a.attname::text, k.conname, pg_get_constraintdef(k.oid)]
            from pg_constraint k
            join pg_attribute a on a.attrelid = t.oid and k.conkey = array[a.attnum]
            where k.conrelid = t.oid and k.contype = 'c'
        )
    from pg_class t
    join pg_namespace n on n.oid = t.relnamespace
    where n.nspname = any(%s) and t.relkind in ('r', 'p') and not t.relispartition
"""


def find_tables(connection: Connection, systems: Iterable[str]) -> dict[tuple[str, str], FoundTable]:
    """The raw tables of some systems, by system and name."""
    found = {}
    for system, name, key, partition, immutable, registered, listed, columns, checks in connection.execute(
        _TABLES, ([f"raw_{system}" for system in systems],)
    ):
        table = FoundTable(tuple(key or ()), partition, immutable, registered, frozenset(listed))
        table.columns = {column: FoundColumn(kind, required == "true") for column, kind, required in columns}
        for column, constraint, definition in checks:
            _read_check(table.columns[column], constraint, definition)
        found[system, name] = table
    return found


# Values as Postgres prints them, `((c)::text = ANY ((ARRAY['a'::character varying, …])::text[]))` or `(c = 'a'::text)`.
_LIST = re.compile(r"CHECK \(\(\S+ = (?:ANY |')")
_LITERAL = re.compile(r"'((?:[^']|'')*)'::")
# A bound, `(c >= 1)`, `(c >= '-5'::integer)` or `(c <= (9)::numeric)`.
_BOUND = re.compile(r"CHECK \(\(.+ (>=|<=) \(*'?(-?\d+(?:\.\d+)?)'?[a-z:)( ]*\)\)")


def _read_check(column: FoundColumn, constraint: str, definition: str) -> None:
    """Note the check, if it is of a kind that contracts make; an owner's own are left alone."""
    bound = _BOUND.fullmatch(definition)
    if bound and bound[1] == ">=":
        column.minimum = constraint, Decimal(bound[2])
    elif bound:
        column.maximum = constraint, Decimal(bound[2])
    elif _LIST.match(definition):
        values = (literal.replace("''", "'") for literal in _LITERAL.findall(definition))
        column.allowed = constraint, frozenset(values)


def spelt_by_postgres(connection: Connection, types: Iterable[str]) -> list[str]:
    """The types as `format_type` spells them."""
    fields = ", ".join(f"c{number} {kind}" for number, kind in enumerate(types))
    connection.execute(f"create temporary table spelt ({fields})".encode())
    rows = connection.execute(
        "select format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = 'pg_temp.spelt'::regclass and attnum > 0 order by attnum"
    ).fetchall()
    connection.execute("drop table pg_temp.spelt")
    return [kind for (kind,) in rows]
