"""Erasing what is personal in rows that are for ever: the value goes, and with its salt all that could confirm a guess.

The seal keeps the commitment, so the row is verified as before. A row that is delivered again after it was erased is a
duplicate, if all else in it is the same, and stays erased. What else holds the value is not Tally's tables: the landing
file that brought it, and `ingest.quarantine`, if the row was ever refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import Connection, errors, sql

from ingest.contract import Table
from ingest.errors import ConfigurationError
from ingest.keys import ERASED, registry
from ingest.seal_rows import SALT, list_of, neutral, personal_columns, same_key


@dataclass(frozen=True)
class Erasure:
    """How many rows were erased, and how many of them are sealed."""

    rows: int
    sealed: int


def erase(connection: Connection, table: Table, where: Mapping[str, str]) -> Erasure:
    """Erase the personal values of the rows in which these columns have these values; commits.

    Rows that hold none any more are left alone. ConfigurationError where nothing of the table is personal, or a column
    or value is none of it.
    """
    name = f"{table.system}.{table.name}"
    personal = personal_columns(table)
    if not personal or table.load_mode != "append":
        raise ConfigurationError(f"Nothing in {name} is personal and kept for ever, as its contract has it.")
    kinds = {column.name: column.type for column in table.columns}
    unknown = [column for column in where if column not in kinds]
    if unknown or not where:
        raise ConfigurationError(f"{name} has no column {', '.join(unknown)}; it has {', '.join(kinds)}.")
    chosen = sql.SQL(" and ").join(
        sql.SQL("r.{} = {}::{}").format(sql.Identifier(column), value, sql.SQL(kinds[column]))
        for column, value in where.items()
    )
    source = sql.Identifier(table.schema, table.name)
    try:
        with connection.transaction():
            # Nobody loads meanwhile: the trigger that keeps rows as they are is off only for this transaction.
            connection.execute(sql.SQL("alter table {} disable trigger immutable").format(source))
            connection.execute(
                sql.SQL(
                    "create temporary table erasing on commit drop as select {} from {} r where {} and ({})"
                ).format(
                    sql.SQL(", ").join(sql.Identifier("r", key) for key in table.key),
                    source,
                    chosen,
                    sql.SQL(" or ").join(
                        sql.SQL("r.{} is distinct from {}").format(sql.Identifier(c.name), neutral(c)) for c in personal
                    ),
                )
            )
            of_registry = sql.SQL(" and ").join(
                sql.SQL("t.{0} = e.{0}").format(sql.Identifier(key)) for key in table.key
            )
            rows = connection.execute(
                sql.SQL("update {} t set {} from erasing e where {}").format(
                    source,
                    sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(c.name), neutral(c)) for c in personal),
                    of_registry,
                )
            ).rowcount
            connection.execute(
                sql.SQL("update {} t set _hash = {}, _check = {} from erasing e where {}").format(
                    registry(table), ERASED, ERASED, of_registry
                )
            )
            sealed = connection.execute(
                sql.SQL("update {} l set {} = null from erasing e where {}").format(
                    list_of(table), sql.Identifier(SALT), same_key(table, "l", "e")
                )
            ).rowcount
            connection.execute(sql.SQL("alter table {} enable trigger immutable").format(source))
    except errors.DataError as error:
        raise ConfigurationError(f"No row of {name} can have that: {error.diag.message_primary}.") from error
    return Erasure(rows, sealed)
