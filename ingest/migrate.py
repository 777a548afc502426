"""A contract that changed, on its way to a table that is there: what only widens the table is done, in one transaction.

Wider means that every row that fitted still fits, unchanged: a new column that may be null, a value that may be null
now, more values in a list, wider bounds, a longer text, a larger number. Everything else is reported with what to do.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from psycopg import Connection, errors, sql

from ingest.catalog import FoundColumn, FoundTable, spelt_by_postgres
from ingest.contract import Column, Table
from ingest.ddl import bound_check, column_comment, column_definition, declared_keys, list_check, primary_key
from ingest.errors import ConfigurationError
from ingest.keys import registry

# Writing a table anew locks it: 1 GB takes some 11 s, which may happen unasked; for more its owner picks the moment.
REWRITTEN_UNASKED_BYTES = 1 << 30
# Views there are dbt's own, and every build makes them anew.
_REBUILT_SCHEMAS = ("staging", "intermediate")

_SPELLINGS = {"timestamptz": "timestamp with time zone", "varchar": "character varying", "decimal": "numeric"}
_DIGITS = {"smallint": 4, "integer": 9, "bigint": 18}  # that every value of the type may have


Tables = Mapping[tuple[str, str], Table]


@dataclass(frozen=True)
class Change:
    """One step towards the contract: what to tell of it and how it is done.

    `retyped` names the column whose type changes, which views may stand in the way of.
    """

    sentence: str
    statements: tuple[sql.Composed, ...]
    retyped: str | None = None
    rewrites: bool = False


def widen(connection: Connection, table: Table, tables: Tables, found: FoundTable) -> list[str]:
    """Make the table as wide as its contract; a sentence for each change.

    ConfigurationError when the contract is narrower somewhere, or when a change must wait for the table's owner; then
    nothing of the table is changed.
    """
    name = f"{table.schema}.{table.name}"
    changes, problems = _compare(connection, table, tables, found)
    if problems:
        raise ConfigurationError(
            f"{name} does not fit its contract: {'; '.join(problems)}. Tally only widens tables: take the contract"
            " back to what the table holds, migrate the table yourself, or load into a fresh TALLY_HOME."
        )
    for change in changes:
        _refuse_long_rewrite(connection, table, change)
        if change.retyped:
            _drop_rebuilt_views(connection, table, change)
        try:
            for statement in change.statements:
                connection.execute(statement)
        except errors.FeatureNotSupported as error:
            raise ConfigurationError(
                f"{name}: {change.sentence}, but {error.diag.message_primary} ({error.diag.message_detail});"
                f" drop what stands in the way, then run: {_spelt(connection, change)}"
            ) from error
    return [f"{name}: {change.sentence}." for change in changes]


def differs(connection: Connection, table: Table, tables: Tables, found: FoundTable) -> bool:
    """True when the table is not as its contract says."""
    return any(_compare(connection, table, tables, found))


def _compare(connection: Connection, table: Table, tables: Tables, found: FoundTable) -> tuple[list[Change], list[str]]:
    """The changes that widen the table, and what else is different, in words."""
    problems = list(_differences_of_kind(table, found))
    changes: list[Change] = []
    described = {column.name: column for column in table.columns}
    problems += [
        f"column {name} is not in the contract"
        for name in found.columns
        if name not in described and name != "_load_id"
    ]
    types = _types(connection, table, found)
    for name, column in described.items():
        if name in found.columns:
            steps = _Steps(table, column, found.columns[name])
            steps.compare(types[name])
            changes += steps.changes
            problems += steps.problems
        elif column.required and _holds_rows(connection, table):
            problems.append(f"column {name} is new and required, and the rows that are there have no value for it")
        else:
            changes.append(_new_column(connection, table, tables, column))
    return changes, problems


def _new_column(connection: Connection, table: Table, tables: Tables, column: Column) -> Change:
    statements = [_alter(table, "add column {}", column_definition(column)), column_comment(table, column)]
    key = declared_keys(connection, table, tables).get(column.name)
    if key:
        statements.append(_alter(table, "add {}", key))
    return Change(f"{column.name} is a new column", tuple(statements))


def _differences_of_kind(table: Table, found: FoundTable) -> Iterator[str]:
    if found.key != primary_key(table):
        yield f"its key is ({', '.join(found.key)}), and ({', '.join(primary_key(table))}) in the contract"
    if found.partition_column != table.partition_column:
        yield f"it is partitioned by {found.partition_column}, and by {table.partition_column} in the contract"
    if found.immutable != (table.load_mode == "append"):
        made = "append" if found.immutable else "upsert or replace"
        yield f"it was made for loadMode {made}, and the contract says {table.load_mode}"


def _types(connection: Connection, table: Table, found: FoundTable) -> dict[str, str]:
    """The contract's types as Postgres spells them; it is only asked where the spelling is not plain."""
    types = {column.name: _spelling(column.type) for column in table.columns if column.name in found.columns}
    unsure = [name for name, kind in types.items() if kind != found.columns[name].type]
    if unsure:
        types.update(zip(unsure, spelt_by_postgres(connection, [types[name] for name in unsure]), strict=True))
    return types


def _spelling(kind: str) -> str:
    word = re.match(r"[a-z]+", kind)
    spelt = _SPELLINGS.get(word[0], word[0]) + kind[word.end() :] if word else kind
    return re.sub(r"\s*([(,)])\s*", r"\1", spelt)


class _Steps:
    """The steps from one column as it is to what the contract says of it."""

    def __init__(self, table: Table, column: Column, found: FoundColumn) -> None:
        self.table = table
        self.column = column
        self.found = found
        self.changes: list[Change] = []
        self.problems: list[str] = []

    def compare(self, kind: str) -> None:
        """Note every difference; `kind` is the contract's type as Postgres spells it."""
        name = self.column.name
        if kind != self.found.type:
            self.retype(kind)
        if self.column.required and not self.found.required:
            self.problems.append(f"column {name} may be null, which the contract forbids")
        elif self.found.required and not self.column.required and name not in primary_key(self.table):
            self.add(
                f"{name} may be null now", _alter(self.table, "alter column {} drop not null", sql.Identifier(name))
            )
        self.relist()
        self.rebound("minimum", lambda old, new: new <= old, ">=")
        self.rebound("maximum", lambda old, new: new >= old, "<=")

    def add(self, sentence: str, *statements: sql.Composed) -> None:
        self.changes.append(Change(sentence, statements))

    def retype(self, kind: str) -> None:
        name, old = self.column.name, self.found.type
        rewrites = _rewrites(old, kind)
        if rewrites is None:
            self.problems.append(f"column {name} is {old}, and {kind} in the contract")
            return
        action = sql.SQL("alter column {} type {}").format(sql.Identifier(name), sql.SQL(self.column.type))
        statements = [_alter(self.table, "{}", action)]
        if self.table.registers_keys and name in self.table.key:
            statements.append(sql.SQL("alter table {} {}").format(registry(self.table), action))
        sentence = f"{name} is {kind} now, no longer {old}"
        self.changes.append(Change(sentence, tuple(statements), retyped=name, rewrites=rewrites))

    def relist(self) -> None:
        """The values a column may take."""
        name, old, new = self.column.name, self.found.allowed, self.column.allowed
        if old is None:
            if new:
                self.problems.append(f"column {name} may hold anything, and the contract lists its values")
            return
        constraint, values = old
        if new and not values <= set(new):
            lost = ", ".join(repr(value) for value in sorted(values - set(new)))
            self.problems.append(f"column {name} may hold {lost}, which the contract no longer lists")
        elif set(new) != values:
            gained = ", ".join(repr(value) for value in new if value not in values) or "anything"
            self.replace(f"{name} may hold {gained} now", constraint, list_check(self.column) if new else None)

    def rebound(self, which: str, is_wider: Callable[[Decimal, int], bool], operator: str) -> None:
        """The lower or the upper bound of a column."""
        old, new = getattr(self.found, which), getattr(self.column, which)
        name = self.column.name
        if old is None:
            if new is not None:
                self.problems.append(f"column {name} has no {which}, and {new} in the contract")
            return
        constraint, value = old
        if new is None:
            self.replace(f"{name} has no {which} now", constraint, None)
        elif not is_wider(value, new):
            self.problems.append(f"column {name} has the {which} {value}, and {new} in the contract")
        elif new != value:
            self.replace(
                f"{name} has the {which} {new} now, no longer {value}",
                constraint,
                bound_check(self.column, operator, new),
            )

    def replace(self, sentence: str, constraint: str, check: sql.Composable | None) -> None:
        """Put a wider check in a check's place, or nothing."""
        name = sql.Identifier(constraint)
        action = sql.SQL("drop constraint {}").format(name)
        if check:
            action += sql.SQL(", add constraint {} {}").format(name, check)
        self.add(sentence, _alter(self.table, "{}", action))


def _alter(table: Table, action: str, *parts: sql.Composable) -> sql.Composed:
    return sql.SQL("alter table {} ").format(sql.Identifier(table.schema, table.name)) + sql.SQL(action).format(*parts)


def _rewrites(old: str, new: str) -> bool | None:
    """Whether Postgres must write every row anew to hold `new` instead of `old`; None when `new` is not wider."""
    lengths = [re.fullmatch(r"character varying\((\d+)\)", kind) for kind in (old, new)]
    if lengths[0]:
        wider = new in ("text", "character varying") or (lengths[1] and int(lengths[1][1]) >= int(lengths[0][1]))
        return False if wider else None
    if old in _DIGITS and new in _DIGITS:
        return True if _DIGITS[old] < _DIGITS[new] else None
    before, after = (_precision(kind) for kind in (old, new))
    if new == "numeric" and (before or old in _DIGITS):
        return old in _DIGITS
    if before and after and after[0] >= before[0] and after[1] >= before[1]:
        return after[1] != before[1] or old in _DIGITS
    return None


def _precision(kind: str) -> tuple[int, int] | None:
    """How many digits a number has before and after its point; None where the type is not a limited number."""
    if kind in _DIGITS:
        return _DIGITS[kind] + 1, 0
    limited = re.fullmatch(r"numeric\((\d+),(\d+)\)", kind)
    return (int(limited[1]) - int(limited[2]), int(limited[2])) if limited else None


def _holds_rows(connection: Connection, table: Table) -> bool:
    query = sql.SQL("select exists (select from {})").format(sql.Identifier(table.schema, table.name))
    return bool(connection.execute(query).fetchall()[0][0])


def _refuse_long_rewrite(connection: Connection, table: Table, change: Change) -> None:
    if not change.rewrites:
        return
    size, shown = connection.execute(
        "select sum(pg_total_relation_size(oid)), pg_size_pretty(sum(pg_total_relation_size(oid)))"
        " from pg_class where oid = %(table)s::regclass or oid in (select relid from pg_partition_tree(%(table)s))",
        {"table": _quoted(connection, table)},
    ).fetchall()[0]
    if size > REWRITTEN_UNASKED_BYTES:
        raise ConfigurationError(
            f"{table.schema}.{table.name}: {change.sentence}, which writes all {shown} anew and locks the table"
            f" meanwhile; run it when that suits: {_spelt(connection, change)}"
        )


_READERS = """
    with recursive readers (oid) as (
        select r.ev_class
        from pg_depend d
        join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
        join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
        where d.refclassid = 'pg_class'::regclass and d.refobjid = %s::regclass and a.attname = %s
        union
        select r.ev_class
        from readers
        join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = readers.oid
        join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
    )
    select n.nspname, c.relname
    from readers
    join pg_class c using (oid)
    join pg_namespace n on n.oid = c.relnamespace
    order by 1, 2
"""


def _drop_rebuilt_views(connection: Connection, table: Table, change: Change) -> None:
    """Drop the views that keep a column from changing its type, if all of them are dbt's."""
    views = connection.execute(_READERS, (_quoted(connection, table), change.retyped)).fetchall()
    strangers = [f"{schema}.{view}" for schema, view in views if schema not in _REBUILT_SCHEMAS]
    if strangers:
        raise ConfigurationError(
            f"{table.schema}.{table.name}: {change.sentence}, but {', '.join(strangers)} reads the column; drop it, run"
            " this again, and create it anew."
        )
    if views:
        names = sql.SQL(", ").join(sql.Identifier(schema, view) for schema, view in views)
        connection.execute(sql.SQL("drop view {}").format(names))


def _quoted(connection: Connection, table: Table) -> str:
    return sql.Identifier(table.schema, table.name).as_string(connection)


def _spelt(connection: Connection, change: Change) -> str:
    return "; ".join(statement.as_string(connection) for statement in change.statements) + ";"
