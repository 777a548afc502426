"""The rules that a contract alone gives: every value fits its column, and a key stands for one row in all months.

Postgres holds most of it, and where it does its catalogue is asked instead of the rows: the constraint is there, so no
row can break it. Only of a column whose constraint somebody took away are the rows looked at. What Postgres cannot hold
is a key over all partitions.
"""

from collections.abc import Collection, Iterator

from expectations.repeated import repeated
from expectations.rule import Mutation, Rule, Scope
from ingest.contract import Column, System, Table


def columns_rule(system: System) -> Rule | None:
    """The rule on the columns of one system; None where the contract says nothing of any."""
    conditions = [
        (table, column, *condition)
        for table in system.tables
        for column in table.columns
        for condition in _conditions(table, column)
    ]
    if not conditions:
        return None
    table, column = next(
        ((table, column) for table, column, what, *_ in conditions if what == "null"), conditions[0][:2]
    )
    return Rule(
        id=f"{system.name}-columns",
        system=system.name,
        title="Every value fits its column: there where it is required, one of those listed, within its bounds.",
        severity="error",
        unit=None,
        tables=tuple(dict.fromkeys(table.name for table, *_ in conditions)),
        query="\nunion all\n".join(_misfits(*condition) for condition in conditions),
        mutations=(
            Mutation(
                name=f"{table.name}.{column.name} may be null again, and one is",
                sql=f"alter table {table.schema}.{table.name} alter column {column.name} drop not null;"  # noqa: S608
                f" update {table.schema}.{table.name} set {column.name} = null where ctid ="
                f" (select min(ctid) from {table.schema}.{table.name})",
            ),
        ),
        needs_all=False,
    )


def key_rules(system: System, held_elsewhere: Collection[str]) -> Iterator[Rule]:
    """For each partitioned table one rule on its key, unless a rule of the catalogue is about just that."""
    for table in system.tables:
        if table.partition_column and table.name not in held_elsewhere:
            yield _key_rule(table, time=table.partition_column)


def _conditions(table: Table, column: Column) -> Iterator[tuple[str, str, str]]:
    """What a value may not be: its name, the condition on rows, and whether Postgres forbids it."""
    if column.required and column.name not in table.key:
        yield "null", f"{column.name} is null", "attnotnull"
    checks = bool(column.allowed) + (column.minimum is not None) + (column.maximum is not None)
    held = (
        f"{checks} <= (select count(*) from pg_constraint"  # noqa: S608 - no outside input
        " where conrelid = attrelid and conkey = array[attnum] and contype = 'c' and convalidated)"
    )
    if column.allowed:
        listed = ", ".join("'" + value.replace("'", "''") + "'" for value in column.allowed)
        yield "not listed", f"{column.name} not in ({listed})", held
    if column.minimum is not None:
        yield "too small", f"{column.name} < {column.minimum}", held
    if column.maximum is not None:
        yield "too large", f"{column.name} > {column.maximum}", held


def _misfits(table: Table, column: Column, what: str, condition: str, held: str) -> str:
    name = f"{table.schema}.{table.name}"
    key = ", ".join(table.key)
    return f"""
        select
            concat_ws(' ', '{table.name}.{column.name}', {key}) as subject,
            null::numeric as amount,
            jsonb_build_object('{what}', {column.name}) as evidence,
            {table.event_time or "null"}::timestamptz as happened_at
        from {name}
        where {condition}
        and not exists (
            select from pg_attribute where attrelid = '{name}'::regclass and attname = '{column.name}' and {held}
        )
    """  # noqa: S608 - names of the contract


def _key_rule(table: Table, time: str) -> Rule:
    name = f"{table.schema}.{table.name}"
    key, of_repeated = ", ".join(table.key), ", ".join(f"repeated.{column}" for column in table.key)
    single = table.key[0] if len(table.key) == 1 else None
    scope = Scope(f"{table.system}_{table.name}_keys", {table.name: single}) if single else None
    return Rule(
        id=f"{table.system}-{table.name}-key",
        system=table.system,
        title=f"A key of {table.name} stands for one row, in whichever month.",
        severity="error",
        unit=None,
        tables=(table.name,),
        query=repeated(name, key, f"concat_ws(' ', {of_repeated})", time, scope_key=single or ""),
        mutations=(
            Mutation(
                name=f"a row of {table.name} stands a second time, at another time",
                sql=f"""
                    insert into {name}
                    select (jsonb_populate_record(
                        null::{name},
                        to_jsonb(oldest) || jsonb_build_object('{time}', (select max({time}) from {name}))
                    )).*
                    from (select * from {name} order by {time}, {key} limit 1) as oldest
                """,  # noqa: S608 - names of the contract
            ),
        ),
        scope=scope,
    )
