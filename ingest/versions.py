"""The shape of the tables that keep versions: `<table>_versions` for each table whose contract names a `history`.

What is written to them is `history`.
"""

from dataclasses import replace

from ingest.contract import Column, Table

SEEN_AT, LINE = "seen_at", "_line"


def versions_of(table: Table) -> Table | None:
    """The table that keeps what every delivery said of every row; None where the contract asks for no history."""
    if not table.history:
        return None
    place = {*table.key, table.partition_column}
    kept = {*place, table.version_column, *table.history}
    return replace(
        table,
        name=f"{table.name}_versions",
        description=(
            f"One row per delivered version of a row of `{table.name}`, whichever of them stands there: what the source"
            " held when the delivery was made. Never changed once written."
        ),
        columns=(
            *(_unchecked(column, column.name in place) for column in table.columns if column.name in kept),
            _of_versions(
                SEEN_AT,
                "timestamptz",
                "When the source held this version: the instant in the name of the file, else the beginning of its day"
                " of delivery (UTC).",
            ),
            _of_versions(
                LINE,
                "bigint",
                "Its line in the file: of two versions in one file the later is newer. 0 for what stood in the table"
                " when its history began.",
            ),
        ),
        restricted_columns=(),
        key=(*table.key, "_load_id", LINE),
        load_mode="append",
        event_time=SEEN_AT,
        indexes=(f"({SEEN_AT})",),
        history=(),
    )


def relations(table: Table) -> tuple[Table, ...]:
    """What Postgres holds of a table: itself and, where they are kept, its versions."""
    versions = versions_of(table)
    return (table, versions) if versions else (table,)


def _unchecked(column: Column, required: bool) -> Column:
    """The column as versions hold it: judged when it was delivered, and null in versions older than the column."""
    return replace(column, required=required, allowed=(), minimum=None, maximum=None, references=None)


def _of_versions(name: str, kind: str, description: str) -> Column:
    return Column(name, kind, True, description, None, (), None, None, None)
