"""Whether the text of a row fits its contract: required values, spelling, length, enumerations.

Spellings are checked here because Postgres would reinterpret some (`yes` as a boolean, an instant without zone in its
own zone, 1.239 rounded to 1.24). Whether a well-spelt value is valid (a 30th of February, an integer that is too
large, broken JSON inside jsonb), and whether it lies within its bounds, Postgres says itself: see `stage`. A typed
series needs no spelling.
"""

import re
from collections.abc import Iterator, Sequence

import polars as pl

from ingest.batch import INTEGERS, Batch, Refusal, shown
from ingest.contract import Column, Table

_PATTERNS = {
    "uuid": r"^[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$",
    "bigint": r"^-?[0-9]+$",
    "integer": r"^-?[0-9]+$",
    "smallint": r"^-?[0-9]+$",
    "numeric": r"^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$",
    "double precision": r"^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$",
    "boolean": r"^(?:true|false|t|f)$",
    "bytea": r"^\\x(?:[0-9a-fA-F]{2})*$",
    "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    # A zone is demanded; digits beyond the microsecond must be zeros.
    "timestamptz": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(?::[0-5][0-9](?:\.[0-9]{1,6}0*)?)?"
    r" ?(?:Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?)$",
}

_BITS = (16, 32, 64)  # of smallint, integer and bigint

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
    columns = {column.name: column for column in table.columns}
    checks = _checks_of(frame, table.columns)
    refused = _is_refused(frame, checks)
    refusals = list(batch.refusals)
    if not refused.any():
        return frame, refusals
    # Naming the rule costs more than finding the row, so it is done for the few.
    named = pl.coalesce([pl.when(condition).then(pl.lit(name)) for name, condition in checks])
    for row in frame.filter(refused).with_columns(named.alias("_broken")).iter_rows(named=True):
        rule, _, name = row["_broken"].partition(":")
        refusals.append(Refusal(row["_line"], rule, explain(rule, columns[name], row[name])))
    return frame.filter(~refused), refusals


def fitting(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.Series:
    """For each row whether its values of these columns fit."""
    return ~_is_refused(frame, _checks_of(frame, columns))


def _checks_of(frame: pl.DataFrame, columns: Sequence[Column]) -> list[tuple[str, pl.Expr]]:
    return [
        (f"{rule}:{column.name}", condition)
        for column in columns
        for rule, condition in _checks(column, frame.schema[column.name])
    ]


def _is_refused(frame: pl.DataFrame, checks: list[tuple[str, pl.Expr]]) -> pl.Series:
    conditions = [condition for _, condition in checks]
    return frame.select(pl.any_horizontal(pl.lit(False), *conditions).fill_null(False)).to_series()


def explain(rule: str, column: Column, value: object) -> str:
    """Why a value breaks a rule, in words."""
    return _REASONS[rule].format(
        column=column.name,
        value="null" if value is None else shown(str(value)),
        type=column.type,
        allowed=", ".join(column.allowed) or "those allowed",
    )


def _checks(column: Column, kind: pl.DataType) -> Iterator[tuple[str, pl.Expr]]:
    """Rules of a column with the expression that is true where the column breaks it."""
    value = pl.col(column.name)
    if column.required:
        yield "required", value.is_null()
    if kind == pl.String:
        yield from _text_checks(column, value)
    if kind == pl.Int64:
        bits = _BITS[INTEGERS.index(column.type)]
        yield "type", ~value.is_between(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _text_checks(column: Column, value: pl.Expr) -> Iterator[tuple[str, pl.Expr]]:
    pattern = _pattern(column.type)
    if pattern:
        yield "type", ~value.str.contains(pattern)
    if column.type.startswith(("text", "varchar", "jsonb")):
        yield "character", value.str.contains("\0", literal=True)
    length = re.fullmatch(r"varchar\((\d+)\)", column.type)
    if length:
        yield "length", value.str.len_chars() > int(length[1])
    if column.allowed:
        yield "enum", ~value.is_in(list(column.allowed))


def _pattern(kind: str) -> str | None:
    scaled = re.fullmatch(r"(?:numeric|decimal)\(\d+,\s*(\d+)\)", kind)
    if scaled:
        return rf"^-?[0-9]+(?:\.[0-9]{{1,{scaled[1]}}}0*)?$"
    return _PATTERNS.get(kind)
