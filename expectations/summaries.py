"""The temporary tables that questions read: the keys that new rows touch, and what several rules share."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from psycopg import Connection, sql

from expectations.question import Loads, Question
from expectations.rule import Scope, Summary, narrowed, whole
from expectations.snapshot import unless_it_crashes


def prepare(connection: Connection, asked: Sequence[Question], loads: Loads) -> None:
    """Make what the questions, all of one system, read. What cannot be made is missed by those who read it: they have
    no verdict then."""
    narrow = [each.rule for each in asked if each.is_of_new_rows and each.query]
    if narrow:
        scopes = {scope for rule in narrow for scope in rule.scopes}
        list_touched_keys(connection, narrow[0].system, scopes, loads)
    _summarise(connection, asked)


def create_summary(connection: Connection, summary: Summary, query: str | None = None) -> None:
    """Make the temporary table that a summary is: of every row, unless another form of its query is given."""
    name = sql.Identifier(summary.name)
    connection.execute(sql.SQL("create temporary table {} as ").format(name) + _text(query or whole(summary.query)))
    connection.execute(sql.SQL("analyze {}").format(name))


def list_touched_keys(connection: Connection, system: str, scopes: Iterable[Scope], loads: Loads) -> None:
    """For each scope, `touched_<scope>`: the keys of all rows that new loads brought, and those that are due."""
    ids, _ = loads.new_loads(system)
    connection.execute("create temporary table new_loads as select unnest(%s::bigint[]) as load_id", [ids])
    for scope in scopes:
        with unless_it_crashes(connection):
            _touched_keys(connection, system, scope, loads)


def _touched_keys(connection: Connection, system: str, scope: Scope, loads: Loads) -> None:
    name = sql.Identifier(f"touched_{scope.name}")
    keys = [sql.SQL("({})").format(_text(scope.due))] if scope.due else []
    for table, expression in scope.keys.items():
        source = (system, table if (system, table) in loads.delivered else table.removesuffix("_versions"))
        rows = sql.SQL("select {} as key from {} where _load_id = any({})")
        new = list(loads.new.get(source, ()))
        keys.append(rows.format(_text(expression), sql.Identifier(f"raw_{system}", table), new))
    connection.execute(
        sql.SQL("create temporary table {} as select distinct key from ({}) as keys where key is not null").format(
            name, sql.SQL(" union all ").join(keys)
        )
    )
    connection.execute(sql.SQL("analyze {}").format(name))


def _summarise(connection: Connection, asked: Sequence[Question]) -> None:
    """Each summary once: of touched keys if nobody reads it whole. One that crashes is missed by its readers."""
    readers: dict[Summary, list[Question]] = defaultdict(list)
    for question in asked:
        for summary in question.rule.reads if question.query else ():
            readers[summary].append(question)
    for summary, of_summary in readers.items():
        is_narrow = summary.scope and all(question.is_of_new_rows for question in of_summary)
        query = narrowed(summary.query, summary.scope) if summary.scope and is_narrow else whole(summary.query)
        with unless_it_crashes(connection):
            create_summary(connection, summary, query)


def _text(query: str) -> sql.SQL:
    return sql.SQL(query)  # the catalogue's own text
