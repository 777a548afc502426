"""Monthly partitions: they appear when rows need them. Months are UTC months.

A new month is built aside: filled without indexes, indexed in one go (a third of the time that COPY into an indexed
partition takes), then attached, which keeps nobody from reading. Only the commit does, for a moment: see
`hold_readers`.
"""

import time
from datetime import UTC, date, datetime

from psycopg import Connection, errors, sql

from ingest.contract import Table
from ingest.ddl import index_statements
from ingest.errors import ConfigurationError
from ingest.versions import relations

# A lock that is asked for and not had yet makes everybody after it wait too: ask briefly, leave a gap, ask again.
_ASK_FOR, _LEAVE_ALONE_FOR = "100ms", 0.1  # the gap is in seconds


def fill(connection: Connection, table: Table, rows: sql.Composable) -> bool:
    """Insert `rows`, a query of every column and `_load_id` over `arriving`, into an append table.

    True when that took new months.
    """
    names = sql.SQL(", ").join(map(sql.Identifier, (*(column.name for column in table.columns), "_load_id")))
    insert = sql.SQL("insert into {} ({names}) select {names} from ({rows}) as rows where {condition}")
    target = sql.Identifier(table.schema, table.name)
    months = _months(connection, table)
    new = [month for month, exists in months if not exists]
    if len(new) < len(months) or not table.partition_column:
        condition: sql.Composable = sql.SQL("not {}").format(_falls_into(table, new)) if new else sql.SQL("true")
        connection.execute(insert.format(target, names=names, rows=rows, condition=condition))
    if not new:
        return False
    # The months are partitions of a table of their own first, so that one pass over the rows fills them all.
    building = sql.Identifier(table.schema, f"{table.name}_building")
    connection.execute(
        sql.SQL("create table {} (like {} including defaults including constraints) partition by range ({})").format(
            building, target, sql.Identifier(table.partition_column or "")
        )
    )
    for month in new:
        connection.execute(
            sql.SQL("create table {} partition of {} for values from ({}) to ({})").format(
                _partition(table, month), building, *_bounds(month)
            )
        )
    condition = _falls_into(table, new) if len(new) < len(months) else sql.SQL("true")
    connection.execute(insert.format(building, names=names, rows=rows, condition=condition))
    for month in new:
        connection.execute(sql.SQL("alter table {} detach partition {}").format(building, _partition(table, month)))
        attach(connection, table, month)
    connection.execute(sql.SQL("drop table {}").format(building))
    return True


def ensure_partitions(connection: Connection, table: Table) -> bool:
    """Attach an empty partition for every month of `arriving` that has none; True when there was one.

    Nothing for an unpartitioned table.
    """
    new = [month for month, exists in _months(connection, table) if not exists]
    for month in new:
        connection.execute(
            sql.SQL("create table {} (like {} including defaults including constraints)").format(
                _partition(table, month), sql.Identifier(table.schema, table.name)
            )
        )
        attach(connection, table, month)
    return bool(new)


def hold_readers(connection: Connection, table: Table) -> None:
    """Keep readers of the table and its versions waiting from here to the end of the transaction, which must be near.

    A commit is seen by others a moment before they hear that a table has another partition. A reader who came in
    between saw the manifest's row and not the month's rows: one schedule of faults in forty showed it.
    """
    # In one statement: whoever reads both must not find one held while the other is still asked for.
    held = sql.SQL(", ").join(
        sql.SQL("only {}").format(sql.Identifier(relation.schema, relation.name)) for relation in relations(table)
    )
    ((patience,),) = connection.execute("show lock_timeout").fetchall()
    while True:
        try:
            with connection.transaction():
                connection.execute(sql.SQL("set local lock_timeout = {}").format(_ASK_FOR))
                connection.execute(sql.SQL("lock table {} in access exclusive mode").format(held))
                connection.execute(sql.SQL("set local lock_timeout = {}").format(patience))
        except errors.LockNotAvailable:
            time.sleep(_LEAVE_ALONE_FOR)
        else:
            return


def attach(connection: Connection, table: Table, month: datetime) -> None:
    """Index the table that was built for a month as its parent is, and make it a partition."""
    for statement in index_statements(table, _partition(table, month)):
        connection.execute(statement)
    connection.execute(
        sql.SQL("alter table {} attach partition {} for values from ({}) to ({})").format(
            sql.Identifier(table.schema, table.name), _partition(table, month), *_bounds(month)
        )
    )


def partitions(connection: Connection, table: Table) -> dict[date, sql.Identifier]:
    """The months of the table that are attached, by their first days."""
    names = connection.execute(
        "select relname from pg_inherits join pg_class on pg_class.oid = inhrelid where inhparent = to_regclass(%s)"
        " and relname ~ '_[0-9]{4}_[0-9]{2}$'",
        (f'"{table.schema}"."{table.name}"',),
    )
    return {
        datetime.strptime(name[-7:], "%Y_%m").date(): sql.Identifier(table.schema, name)  # noqa: DTZ007 -- a month
        for (name,) in names
    }


def _months(connection: Connection, table: Table) -> list[tuple[datetime, bool]]:
    """The months of the rows in `arriving`, and whether each has its partition.

    ConfigurationError where a table of the partition's name is none: somebody detached it and left it there.
    """
    if not table.partition_column:
        return []
    # Days first: a month takes calendar and zone to tell, 0.31 microseconds a row, a day nothing but a division, 0.14.
    found = connection.execute(
        sql.SQL(
            "select month, of_month.oid is not null, of_month.oid is not null and not exists (select from pg_inherits"
            " where inhrelid = of_month.oid and inhparent = format('%I.%I', {schema}, {name})::regclass)"
            " from (select distinct date_trunc('month', day, 'UTC') as month from (select distinct"
            " date_bin('1 day', {column}, '2000-01-01T00:00:00Z') as day from arriving) as days) as months"
            " cross join lateral to_regclass("
            "format('%I.%I', {schema}, {name} || to_char(month, '_YYYY_MM'))) as of_month (oid) order by 1"
        ).format(schema=table.schema, name=table.name, column=sql.Identifier(table.partition_column))
    ).fetchall()
    for month in (month.astimezone(UTC) for month, _, is_detached in found if is_detached):
        name = f"{table.schema}.{table.name}"
        raise ConfigurationError(
            f"Rows of {name} came for {month:%Y-%m}, and {name}_{month:%Y_%m} is there but detached from it; attach it"
            " again, or move it to another schema."
        )
    return [(month.astimezone(UTC), exists) for month, exists, _ in found]


def _falls_into(table: Table, months: list[datetime]) -> sql.Composable:
    return sql.SQL("date_trunc('month', {}, 'UTC') = any({})").format(
        sql.Identifier(table.partition_column or ""), months
    )


def _partition(table: Table, month: datetime) -> sql.Identifier:
    return sql.Identifier(table.schema, f"{table.name}_{month:%Y_%m}")


def _bounds(month: datetime) -> tuple[str, str]:
    following = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
    return month.isoformat(), following.isoformat()
