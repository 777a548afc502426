"""Monthly partitions: they appear when rows need them. Months are UTC months."""

from datetime import UTC, datetime

from psycopg import Connection, sql

from ingest.contract import Table


def ensure_partitions(connection: Connection, table: Table, source: str) -> None:
    """Create the partitions that the rows of temporary table `source` fall into; none for an unpartitioned table."""
    if not table.partition_column:
        return
    months = connection.execute(
        sql.SQL("select distinct date_trunc('month', {}, 'UTC') from {} order by 1").format(
            sql.Identifier(table.partition_column), sql.Identifier(source)
        )
    ).fetchall()
    for (month,) in months:
        create_partition(connection, table, month.astimezone(UTC))


def create_partition(connection: Connection, table: Table, month: datetime) -> None:
    """Create the partition that holds the UTC month starting at `month`, if it is not there."""
    following = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
    connection.execute(
        sql.SQL("create table if not exists {} partition of {} for values from ({}) to ({})").format(
            sql.Identifier(table.schema, f"{table.name}_{month:%Y_%m}"),
            sql.Identifier(table.schema, table.name),
            month.isoformat(),
            following.isoformat(),
        )
    )
