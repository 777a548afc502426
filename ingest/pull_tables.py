"""The tables of a source: which relations show a contract's rows, what decides how they print, and what is missing.

What is missing or not allowed is told in sentences that name it, with the grant that would give it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from psycopg import Connection, sql

from ingest.contract import Table
from ingest.errors import ConfigurationError

TABLES = """
    with recursive found as (
        select c.oid, n.nspname, c.relname
        from unnest(%s::text[]) as wanted (name)
        inner join pg_class c on c.oid = to_regclass(quote_ident(wanted.name))
        inner join pg_namespace n on n.oid = c.relnamespace
    ),
    tree as (
        select oid as root, oid as part from found
        union
        select tree.root, heir.inhrelid
        from tree inner join pg_inherits heir on heir.inhparent = tree.part
        where not heir.inhdetachpending
    ),
    shown as (
        select
            tree.root,
            array_agg(tree.part::bigint order by tree.part) as parts,
            bool_and(c.relkind = 'p' or am.amname is not distinct from 'heap') as versioned
        from tree
        inner join pg_class c on c.oid = tree.part
        left join pg_am am on am.oid = c.relam
        group by tree.root
    )
    select f.relname, f.oid::bigint, f.nspname, shown.parts, shown.versioned, row_security_active(f.oid)
    from found f inner join shown on shown.root = f.oid
"""

# The words of an enumeration belong to its type: renaming one changes rows that nobody wrote.
COLUMNS = """
    select
        a.attrelid::bigint,
        a.attname,
        a.attnum,
        format_type(a.atttypid, a.atttypmod),
        (select string_agg(enumlabel, ',' order by enumsortorder) from pg_enum where enumtypid = a.atttypid),
        has_column_privilege(a.attrelid, a.attnum, 'select')
    from pg_attribute a
    where a.attrelid = any(%s::oid[]) and not a.attisdropped and (a.attnum > 0 or a.attname in ('xmin', 'tableoid'))
    order by a.attrelid, a.attnum
"""


class _Column(NamedTuple):
    """A column at the source; `words` are those of an enumeration."""

    number: int
    type: str
    words: str | None
    readable: bool

    @property
    def shape(self) -> str:
        """What decides how a value of the column is printed."""
        return f"{self.number} {self.type}" + (f" ({self.words})" if self.words else "")


Columns = dict[str, _Column]


@dataclass(frozen=True)
class SourceTable:
    """A table as the source has it now.

    `types` are those of the contract's columns at the source; `shape` says of them what decides how a row is printed.
    `parts` are the relations whose rows it shows: itself, its partitions, its heirs. `read_whole` tables are read
    whole each time: those that are replaced, and views and foreign tables, whose rows do not tell who wrote them.
    """

    table: Table
    identifier: sql.Identifier
    types: dict[str, str]
    shape: tuple[str, ...]
    ignored: tuple[str, ...]
    parts: tuple[int, ...]
    read_whole: bool


def describe(connection: Connection, tables: Sequence[Table]) -> tuple[SourceTable, ...]:
    """The tables as they are at the source; ConfigurationError names everything that is missing or not allowed."""
    role, path = connection.execute("select current_user, current_setting('search_path')").fetchall()[0]
    found = {row[0]: row[1:] for row in connection.execute(TABLES, ([table.name for table in tables],))}
    columns: dict[int, Columns] = {row[0]: {} for row in found.values()}
    for relation, name, *rest in connection.execute(COLUMNS, (list(columns),)):
        columns[relation][name] = _Column(*rest)
    problems: list[str] = []
    absent = [table.name for table in tables if table.name not in found]
    if absent:
        problems.append(
            f"The source has no table {', '.join(absent)} in its search path ({path}), or {role} may not look there:"
            " grant usage on the schema, or name another path in --from (?options=-csearch_path%3D…)."
        )
    described = []
    for table in tables:
        if table.name in absent:
            continue
        relation, schema, parts, versioned, filtered = found[table.name]
        place = f"{_spelt(schema)}.{_spelt(table.name)}"
        problems += _problems(table, place, _spelt(role), columns[relation], filtered)
        described.append(_source_table(table, schema, columns[relation], parts, versioned))
    if problems:
        raise ConfigurationError("\n".join(problems))
    return tuple(described)


def _source_table(table: Table, schema: str, columns: Columns, parts: list[int], versioned: bool) -> SourceTable:
    wanted = [column.name for column in table.columns if column.name in columns]
    known = {*wanted, *table.restricted_columns, "xmin", "tableoid"}
    return SourceTable(
        table=table,
        identifier=sql.Identifier(schema, table.name),
        types={name: columns[name].type for name in wanted},
        shape=tuple(f"{name} {columns[name].shape}" for name in wanted),
        ignored=tuple(name for name in columns if name not in known),
        parts=tuple(parts),
        read_whole=table.load_mode == "replace" or not versioned,
    )


def _problems(table: Table, place: str, role: str, columns: Columns, filtered: bool) -> Iterator[str]:
    names = [column.name for column in table.columns]
    missing = [name for name in names if name not in columns]
    if missing:
        yield f"{place} lacks columns that the contract of {table.system} knows ({', '.join(missing)}); correct either."
    for column in table.columns:
        found = columns.get(column.name)
        if found and column.type == "timestamptz" and found.type == "timestamp without time zone":
            yield f"{place}.{column.name} has no time zone at the source, so its instants are unknown; give it one."
    # Which transaction wrote a row, and in which part it lies, is asked of tables that are not read whole.
    asked = names if table.load_mode == "replace" else ["xmin", "tableoid", *names]
    hidden = [name for name in asked if name in columns and not columns[name].readable]
    if hidden:
        # Where columns are restricted, the role need not be able to read them.
        what = f"select ({', '.join(map(_spelt, asked))})" if table.restricted_columns else "select"
        yield f"{role} may not read {place} ({', '.join(hidden)}): grant {what} on {place} to {role};"
    if filtered:
        yield f"Row-level security would hide rows of {place} from {role}: alter role {role} bypassrls;"


def _spelt(name: str) -> str:
    """A name as SQL spells it, to be pasted from a sentence."""
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else sql.Identifier(name).as_string()
