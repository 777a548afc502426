"""Whether the text of a row fits its contract: required values, spelling, length, enumerations, bounds.

Spellings are checked here because Postgres would reinterpret some (`yes` as a boolean, an instant without zone in its
own zone, 1.239 rounded to 1.24). Whether a well-spelt value is valid (a 30th of February, an integer that is too
large, broken JSON inside jsonb) Postgres says itself: see `stage`.
"""

import re
from collections.abc import Iterator

import polars as pl

from ingest.contract import Column, Table
from ingest.decode import Batch, Refusal

_PATTERNS = {
    "uuid": r"^[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$",
    "bigint": r"^-?[0-9]+$",
    "integer": r"^-?[0-9]+$",
    "smallint": r"^-?[0-9]+$",
    "numeric": r"^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$",
    "double precision": r"^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$",
    "boolean": r"^(?:true|false|t|f)$",
    "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    # A zone is demanded; digits beyond the microsecond must be zeros.
    "timestamptz": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6}0*)?)?"
    r" ?(?:Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?)$",
}

_REASONS = {
    "required": "{column} is missing",
    "type": "{column} is {value}, not a {type}",
    "length": "{column} has more characters than {type} holds",
    "character": "{column} holds the character NUL, which Postgres cannot store",
    "enum": "{column} is {value}, which is none of {allowed}",
    "bounds": "{column} is {value}, outside its bounds",
    "window": "{column} is {value}, outside the sane window of the contract",
}


def validate(batch: Batch, table: Table) -> tuple[pl.DataFrame, list[Refusal]]:
    """The rows of a batch that fit, and a refusal for each that does not (the first rule it breaks)."""
    frame = batch.frame
    broken = pl.coalesce([*(check for column in table.columns for check in _checks(column)), pl.lit(None, pl.String)])
    frame = frame.with_columns(broken.alias("_broken"))
    refused = frame.filter(pl.col("_broken").is_not_null())
    columns = {column.name: column for column in table.columns}
    refusals = list(batch.refusals)
    for row in refused.iter_rows(named=True):
        rule, _, name = row["_broken"].partition(":")
        refusals.append(Refusal(row["_line"], rule, explain(rule, columns[name], row[name])))
    return frame.filter(pl.col("_broken").is_null()).drop("_broken"), refusals


def explain(rule: str, column: Column, value: str | None) -> str:
    """Why a value breaks a rule, in words."""
    shown = "null" if value is None else repr(value if len(value) <= 40 else value[:40] + "…")
    return _REASONS[rule].format(
        column=column.name,
        value=shown,
        type=column.type,
        allowed=", ".join(column.allowed) or "those allowed",
    )


def _checks(column: Column) -> Iterator[pl.Expr]:
    """Expressions that give `rule:column` where the column breaks the rule, else null."""
    value = pl.col(column.name)

    def breaks(rule: str, condition: pl.Expr) -> pl.Expr:
        return pl.when(condition).then(pl.lit(f"{rule}:{column.name}"))

    if column.required:
        yield breaks("required", value.is_null())
    pattern = _pattern(column.type)
    if pattern:
        yield breaks("type", ~value.str.contains(pattern))
    if column.type.startswith(("text", "varchar", "jsonb")):
        yield breaks("character", value.str.contains("\0", literal=True))
    length = re.fullmatch(r"varchar\((\d+)\)", column.type)
    if length:
        yield breaks("length", value.str.len_chars() > int(length[1]))
    if column.allowed:
        yield breaks("enum", ~value.is_in(list(column.allowed)))
    number = value.cast(pl.Decimal(38, 0), strict=False)
    if column.minimum is not None:
        yield breaks("bounds", number < column.minimum)
    if column.maximum is not None:
        yield breaks("bounds", number > column.maximum)


def _pattern(kind: str) -> str | None:
    scaled = re.fullmatch(r"(?:numeric|decimal)\(\d+,\s*(\d+)\)", kind)
    if scaled:
        return rf"^-?[0-9]+(?:\.[0-9]{{1,{scaled[1]}}}0*)?$"
    return _PATTERNS.get(kind)
