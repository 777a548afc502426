"""The one rule of every system that its contract alone gives: whoever a row names is there.

Files may be loaded in any order, so Postgres cannot hold such relationships; this rule tells of those that stay open.
"""

from expectations.rule import Mutation, Rule, Scope
from ingest.contract import System, Table
from ingest.ddl import declared_references


def references_rule(system: System) -> Rule | None:
    """The rule of one system; None when its contract knows no relationship.

    A parent table that was never delivered leaves nothing to judge: people, above all, may be left out of an export.
    Nor does a partitioned one, whose old rows the source may archive.
    """
    tables = {(table.system, table.name): table for table in system.tables}
    related = [
        (table, column, *parent)
        for table in system.tables
        for column, parent in declared_references(table, tables).items()
    ]
    if not related:
        return None
    table, column, parent, key = related[0]
    names = {name for child, _, parent, _ in related for name in (child.name, parent)}
    # A new row can name somebody who is not there. Whoever is there stays, but for tables that arrive whole.
    followed = {each.name: "_load_id" for each in system.tables if each.name in names and each.load_mode != "replace"}
    return Rule(
        id=f"{system.name}-references",
        system=system.name,
        title="Whoever a row names is there, as far as such rows were ever delivered.",
        severity="warn",
        unit=None,
        tables=tuple(dict.fromkeys(table.name for table, *_ in related)),
        query="\nunion all\n".join(_orphans(*relationship) for relationship in related),
        mutations=(
            Mutation(
                name=f"a row of {parent} that {table.name} names is gone",
                sql=f"delete from {table.schema}.{parent} where {key} in"  # noqa: S608 - names of the contract
                f" (select {column} from {table.schema}.{table.name})",
            ),
        ),
        needs_all=False,
        scope=Scope(f"{system.name}_loads_with_references", followed),
    )


def _orphans(table: Table, column: str, parent: str, key: str) -> str:
    return f"""
        select
            '{table.name}.{column} ' || child.{column} as subject,
            null::numeric as amount,
            jsonb_build_object('rows', count(*), 'missing_in', '{parent}') as evidence,
            {f"max(child.{table.event_time})" if table.event_time else "null"}::timestamptz as happened_at
        from {table.schema}.{table.name} as child
        where
            not exists (select from {table.schema}.{parent} as parent where parent.{key} = child.{column})
            and child.{column} is not null
            and {"true" if table.load_mode == "replace" else "in_scope(child._load_id)"}
            and exists (
                select from ingest.loads
                where status = 'loaded' and system = '{table.system}' and table_name = '{parent}'
            )
        group by child.{column}
    """  # noqa: S608 - names of the contract
