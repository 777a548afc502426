"""What the reader of any format gives: batches of columns, and the rows that yielded none.

A column is text exactly as delivered, or a typed series where the format itself proves the type; no value passes
through a float.
"""

from dataclasses import dataclass, field

import polars as pl

from ingest.contract import Column, Table

# Some 25,000 rows of 300 bytes: memory stays flat, and a batch is long enough for vectorised checks.
BATCH_BYTES = 8 << 20
BATCH_ROWS = 50_000
BOM = b"\xef\xbb\xbf"
INTEGERS = ("smallint", "integer", "bigint")


@dataclass(frozen=True)
class Refusal:
    """A row that does not become one: its line (from 1; the row's number in parquet), the rule, and why."""

    line: int
    rule: str
    reason: str


@dataclass(frozen=True)
class Batch:
    """Some rows of a file, and the lines that gave none.

    The frame has `_line`, one column per contract column, and those of the fingerprint.

    `bytes_read` is how much of the file, as it lies there, has been read with them.
    """

    frame: pl.DataFrame
    refusals: list[Refusal]
    bytes_read: int


@dataclass(frozen=True)
class Rows:
    """Some rows of a file as CSV: `_line`, columns of the table, and the fingerprint.

    `refusals` and `bytes_read` are as a batch has them; `unsure` are the lines of further rows, which `csv` does not
    hold. `count` counts both.
    """

    count: int
    csv: bytes
    refusals: list[Refusal]
    bytes_read: int
    unsure: list[int] = field(default_factory=list)


class RefusedError(Exception):
    """Why one row is refused; raised where it is found, turned into a Refusal by the reader that knows the line."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule


def text_frame(table: Table, lines: list[int], columns: dict[str, list[str | None]]) -> pl.DataFrame:
    """The frame of a batch whose columns are all text."""
    schema = {"_line": pl.Int64} | {column.name: pl.String for column in table.columns}
    return pl.DataFrame({"_line": lines, **columns} if lines else None, schema=schema)


def is_text(column: Column) -> bool:
    """True when any string is a value of the column's type, up to its length."""
    return column.type.startswith(("text", "varchar")) and not column.type.endswith("[]")


def shown(text: str) -> str:
    """A name or value as a reason may repeat it: on one line, and not at length."""
    return repr(text if len(text) <= 40 else text[:40] + "…")
