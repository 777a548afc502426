"""The rule that seals give: every row that was sealed is still there and as it was, and none claims to have been.

`tally verify` knows more, since it knows the seal file and hashes every row; this rule asks the database alone, with
the other gates, and hashes the rows that some transaction touched since they were sealed. Who changes a row and its
entry in the list alike is not found here.
"""

from collections.abc import Iterable

from psycopg import sql

from expectations.rule import Mutation, Rule
from ingest.contract import Column, System, Table
from ingest.seal_rows import (
    CONTENT,
    LOAD,
    MONTH,
    SEAL,
    VERSION,
    hashed,
    list_of,
    month_of,
    present_content,
    same_key,
    sealable,
)

_NUMBERS = ("smallint", "integer", "bigint", "numeric")


def seals_rule(system: System, but: Iterable[str] = ()) -> Rule | None:
    """The rule of one system on its append tables but these; None when no table is left."""
    tables = [table for table in sealable([system]) if table.name not in but]
    if not tables:
        return None
    first = tables[0]
    return immutability(
        f"{system.name}-seals",
        tables,
        mutations=(
            Mutation(name=f"a sealed row of {first.name} is gone", sql=f"delete {_from_first(first)}"),
            Mutation(name=f"a sealed row of {first.name} is changed", sql=_edit_of_first(first)),
        ),
    )


def immutability(rule_id: str, tables: list[Table], mutations: tuple[Mutation, ...]) -> Rule:
    """The rule on some append tables of one system."""
    return Rule(
        id=rule_id,
        system=tables[0].system,
        title="Every sealed row is there and as it was, and no other claims to have come with its load.",
        severity="error",
        unit=None,
        tables=tuple(table.name for table in tables),
        query="\nunion all\n".join(_broken(table) for table in tables),
        mutations=mutations,
        needs_all=False,
        needs_seal=True,
    )


def _broken(table: Table) -> str:
    in_month: sql.Composable = sql.SQL("")
    is_archived: sql.Composable = sql.SQL("false")
    happened_at: sql.Composable = sql.SQL("null")
    if table.partition_column:
        in_month = sql.SQL(" and l.{} = {}").format(sql.Identifier(MONTH), month_of(table, "r"))
        is_archived = sql.SQL(
            "exists (select from audit.archived_partitions a where (a.system, a.table_name, a.month) = ({}, {}, l.{}))"
        ).format(table.system, table.name, sql.Identifier(MONTH))
        happened_at = sql.SQL("coalesce(r.{}, l.{}::timestamp at time zone 'UTC')").format(
            sql.Identifier(table.partition_column), sql.Identifier(MONTH)
        )
    return _BROKEN.format(
        name=f"{table.name} ",
        key=sql.SQL(" || ' ' || ").join(
            sql.SQL("coalesce(l.{0}::text, r.{0}::text)").format(sql.Identifier(name)) for name in table.key
        ),
        some_key=sql.Identifier(table.key[0]),
        seal=sql.Identifier(SEAL),
        load=sql.Identifier(LOAD),
        version=sql.Identifier(VERSION),
        hash=sql.Identifier(CONTENT),
        content=hashed(present_content(table, "r", "l")),
        happened_at=happened_at,
        list=list_of(table),
        table=sql.Identifier(table.schema, table.name),
        same_key=same_key(table, "l", "r"),
        in_month=in_month,
        is_archived=is_archived,
        of_system=table.system,
        of_table=table.name,
    ).as_string(None)


# Rows that a replay let in under a sealed load wait for the next seal.
_BROKEN = sql.SQL("""
    select
        {name} || {key} as subject,
        null::numeric as amount,
        jsonb_build_object(
            'what', case
                when l.{seal} is null then 'inserted' when r.{some_key} is null then 'deleted' else 'edited'
            end,
            'seal', l.{seal},
            'load', coalesce(l.{load}, r.{load})
        ) as evidence,
        {happened_at}::timestamptz as happened_at
    from {list} l
    full join {table} r on {same_key}{in_month}
    where case
        when l.{seal} is null then
            r.{load} <= (
                select max(upto_load) from audit.seal_trees where system = {of_system} and table_name = {of_table}
            )
            and not exists (
                select from ingest.loads b
                where b.load_id = r.{load} and b.replayed_at is not null
                and b.rows_accepted > (select count(*) from {list} c where c.{load} = b.load_id)
            )
        when r.{some_key} is null then not {is_archived}
        when r.{load} <> l.{load} then true
        when r.xmin = l.{version} then false
        else {content} <> l.{hash}
    end
""")


def _from_first(table: Table) -> str:
    """The beginning of what picks one row."""
    key = ", ".join(table.key)
    return (
        f"from {table.schema}.{table.name} where ({key}) ="  # noqa: S608 - names of the contract
        f" (select {key} from {table.schema}.{table.name} order by {key} limit 1)"
    )


def _edit_of_first(table: Table) -> str:
    where = _from_first(table).partition(" where ")[2]
    return f"update {table.schema}.{table.name} set {_edit(table.columns, table)} where {where}"  # noqa: S608


def _edit(columns: Iterable[Column], table: Table) -> str:
    for column in columns:
        if column.type in _NUMBERS and column.name not in table.key:
            return f"{column.name} = coalesce({column.name}, 0) + 1"
    return f"{LOAD} = {LOAD} + 1"
