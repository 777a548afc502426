"""Parquet: typed columns, kept typed where the type proves the value, spelt as text everywhere else."""

import json
import os
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from ingest.batch import BATCH_ROWS, INTEGERS, Batch, Refusal, RefusedError, shown, text_frame
from ingest.contract import Column, Table
from ingest.errors import UnreadableFileError
from ingest.formats.json_values import array_literal
from ingest.landing import LandingFile

# Polars would fetch 128 row groups ahead, which is most of any file: 350 MB of memory for 5 M rows, 290 MB with two.
os.environ.setdefault("POLARS_ROW_GROUP_PREFETCH_SIZE", "2")
_NOT_A_VALUE = "\0"  # in a text or as a key of jsonb Postgres takes it nowhere
_EXACT = "\0exact"
_ROW = "\0row"  # the number of a row: no column can be called so
_FIRST_YEAR, _YEAR_AFTER_LAST = datetime(1, 1, 1), datetime(9999, 12, 31)  # noqa: DTZ001 -- compared as UTC


def read_batches(file: LandingFile, table: Table) -> Iterator[Batch]:
    """The rows of a file, numbered from 1."""
    try:
        scan = pl.scan_parquet(file.path, glob=False)
        schema = scan.collect_schema()
        first, size, rows = 1, file.path.stat().st_size, scan.select(pl.len()).collect().item()
        known = {column.name for column in table.columns}
        stranger = next((name for name in schema if name not in known | set(table.restricted_columns)), None)
        if stranger is not None:
            reason = f"the contract has no column {shown(stranger)}"
            refusals = [Refusal(line, "unknown_column", reason) for line in range(1, rows + 1)]
            yield Batch(text_frame(table, [], {column.name: [] for column in table.columns}), refusals, size)
            return
        kept = scan.select([name for name in schema if name in known])
        for frame in kept.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
            numbers = range(first, first + frame.height)
            first += frame.height
            columns: list[pl.Series] = [pl.Series("_line", numbers, pl.Int64)]
            refused: dict[int, str] = {}
            for column in table.columns:
                if column.name in frame.columns:
                    found, reasons = _column(frame[column.name], column)
                    refused = reasons | refused
                else:
                    found = pl.Series(column.name, [None] * frame.height, pl.String)
                columns.append(found)
            kept_rows = pl.DataFrame(columns)
            if refused:
                kept_rows = kept_rows.filter(~pl.int_range(pl.len()).is_in(list(refused)))
            refusals = [Refusal(numbers[place], "type", reason) for place, reason in sorted(refused.items())]
            yield Batch(kept_rows, refusals, size * (first - 1) // rows)
    except OSError as error:
        raise UnreadableFileError(f"it cannot be read ({error})") from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise UnreadableFileError(
            f"it is not a parquet file that can be read ({str(error).splitlines()[0]})"
        ) from error


def read_lines(file: LandingFile, wanted: set[int]) -> dict[int, bytes]:
    """Some rows as JSON, from which `write_lines` makes rows that are read as these are."""
    found = pl.scan_parquet(file.path, glob=False, row_index_name=_ROW, row_index_offset=1)
    frame = found.filter(pl.col(_ROW).is_in(list(wanted))).collect()
    lines = frame.drop_in_place(_ROW).to_list()
    columns = [_readable(series) for series in frame]
    rows = (dict(zip(frame.columns, values, strict=True)) for values in zip(*columns, strict=True))
    return {line: _json_text(row).encode() for line, row in zip(lines, rows, strict=True)}


def write_lines(path: Path, lines: Iterable[bytes], table: Table) -> None:
    """Write a file of rows that `read_lines` gave; every value is the text that it is read as."""
    known = {column.name: column for column in table.columns}
    rows = map(json.loads, lines)
    frames = []
    while some := list(islice(rows, BATCH_ROWS)):
        names = dict.fromkeys(name for row in some for name in row)
        columns = {name: [_written(row.get(name), known.get(name)) for row in some] for name in names}
        frames.append(pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String)))
    pl.concat(frames or [pl.DataFrame()], how="diagonal").write_parquet(path)


def _readable(series: pl.Series) -> list[Any]:
    """Values for JSON, all of them exact: as text but for whole numbers, truth values and what is nested."""
    kind = series.dtype
    if kind.is_integer() or kind.is_nested() or kind == pl.Boolean:
        return series.to_list()
    if kind in (pl.Binary, pl.Time, pl.Duration):
        return [None if value is None else _meaningless(value) for value in series.to_list()]
    return _scalar_text(series).to_list()


def _meaningless(value: object) -> Any:
    """What stands in JSON for a value that has no place there: readable, and no value of any column."""
    if isinstance(value, date):
        return str(value)
    if isinstance(value, Decimal):
        return {_EXACT: str(value)}  # an array takes it, JSON would make a float of it
    return {_NOT_A_VALUE: value.hex() if isinstance(value, bytes) else str(value)}


def _written(value: Any, column: Column | None) -> str | None:
    """The text that a value of `_readable` is read as; what was refused as a value is refused as this text."""
    kind = column.type if column else ""
    match value:
        case None | str():
            return value
        case {"\0": str() as digits} if kind in ("uuid", "bytea"):
            return "\\x" + digits if kind == "bytea" else digits
        case list() if column and kind.endswith("[]"):
            try:
                return array_literal(
                    column, [item.get(_EXACT, item) if isinstance(item, dict) else item for item in value]
                )
            except RefusedError:
                return _NOT_A_VALUE + _json_text(value)
        case list() | dict() if column and kind != "jsonb":
            return _NOT_A_VALUE + _json_text(value)
        case _:
            text = _json_text(value)
            return text if '"\\u0000' not in text else _NOT_A_VALUE + text


def _column(series: pl.Series, column: Column) -> tuple[pl.Series, dict[int, str]]:
    """The column, typed where its type is the contract's or fits into it, as text otherwise.

    Beside it the places of values that mean nothing in a column of this type, and why.
    """
    kind = series.dtype
    if column.type in INTEGERS and kind.is_integer() and kind not in (pl.UInt64, pl.Int128, pl.UInt128):
        return series.cast(pl.Int64), {}
    if column.type == "boolean" and kind == pl.Boolean:
        return series, {}
    if column.type == "timestamptz" and isinstance(kind, pl.Datetime) and kind.time_zone and kind.time_unit != "ns":
        instants = series.cast(pl.Datetime("us")).dt.replace_time_zone(None)
        if instants.is_between(_FIRST_YEAR, _YEAR_AFTER_LAST).all():
            return instants.dt.replace_time_zone("UTC"), {}
    if not _has_meaning(kind, column):
        reason = f"{column.name} is {shown(str(kind))} in the file, not a {column.type}"
        places = series.is_not_null().arg_true().to_list()
        return pl.Series(series.name, [None] * len(series), pl.String), dict.fromkeys(places, reason)
    if kind.is_nested():
        return _nested_text(series, column)
    return _scalar_text(series, "\\x" if column.type == "bytea" else ""), {}


def _has_meaning(kind: pl.DataType, column: Column) -> bool:
    """False for a column of the file whose values could only be guessed to be values of the contract's column."""
    if isinstance(kind, pl.List | pl.Array):
        return column.type == "jsonb" or column.type.endswith("[]")
    if isinstance(kind, pl.Struct):
        return column.type == "jsonb"
    if kind == pl.Binary:
        return column.type in ("uuid", "bytea")
    return kind not in (pl.Time, pl.Duration, pl.Object)


def _nested_text(series: pl.Series, column: Column) -> tuple[pl.Series, dict[int, str]]:
    texts: list[str | None] = []
    refused = {}
    for place, value in enumerate(series.to_list()):
        try:
            texts.append(None if value is None else _nested(value, column))
        except (RefusedError, TypeError, ValueError) as error:
            texts.append(None)
            refused[place] = f"{column.name} cannot be a {column.type} ({shown(str(error))})"
    return pl.Series(series.name, texts, pl.String), refused


def _nested(value: Any, column: Column) -> str:
    if column.type.endswith("[]"):
        return array_literal(column, value)
    return json.dumps(value, default=_spelt, ensure_ascii=False)


def _spelt(value: object) -> str:
    if isinstance(value, date):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def _scalar_text(series: pl.Series, before_hex: str = "") -> pl.Series:
    """A column that is not nested as text; instants in UTC, as exact as they are."""
    kind = series.dtype
    if isinstance(kind, pl.Datetime):
        zone = "Z" if kind.time_zone else ""
        # Nine digits keep what a nanosecond column holds, so that `validate` can refuse what Postgres would round.
        digits = "%9f" if kind.time_unit == "ns" else "%6f"
        utc = series.dt.convert_time_zone("UTC") if kind.time_zone else series
        return utc.dt.strftime(f"%Y-%m-%dT%H:%M:%S.{digits}{zone}")
    if kind == pl.Binary:
        return pl.Series(
            series.name, [None if v is None else before_hex + v.hex() for v in series.to_list()], pl.String
        )
    return series.cast(pl.String)


def _json_text(value: Any) -> str:
    return json.dumps(value, default=_meaningless, ensure_ascii=False)
