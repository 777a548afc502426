"""Parquet: typed columns, kept typed where the type proves the value, spelt as text everywhere else."""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import polars as pl

from ingest.batch import BATCH_ROWS, INTEGERS, Batch, Refusal, text_frame
from ingest.contract import Column, Table
from ingest.errors import UnreadableFileError
from ingest.formats.ndjson import array_literal
from ingest.landing import LandingFile

# Polars would fetch 128 row groups ahead, which is most of any file: 350 MB of memory for 5 M rows, 290 MB with two.
os.environ.setdefault("POLARS_ROW_GROUP_PREFETCH_SIZE", "2")
_FIRST_YEAR, _YEAR_AFTER_LAST = datetime(1, 1, 1), datetime(9999, 12, 31)  # noqa: DTZ001 -- compared as UTC


def read_batches(file: LandingFile, table: Table) -> Iterator[Batch]:
    """The rows of a file, numbered from 1."""
    try:
        scan = pl.scan_parquet(file.path)
        schema = scan.collect_schema()
        first, size, rows = 1, file.path.stat().st_size, scan.select(pl.len()).collect().item()
        known = {column.name for column in table.columns}
        stranger = next((name for name in schema if name not in known | set(table.restricted_columns)), None)
        if stranger is not None:
            reason = f"the contract has no column `{stranger}`"
            refusals = [Refusal(line, "unknown_column", reason) for line in range(1, rows + 1)]
            yield Batch(text_frame(table, [], {}), refusals, size)
            return
        kept = scan.select([name for name in schema if name in known])
        for frame in kept.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
            numbers = range(first, first + frame.height)
            first += frame.height
            columns = [
                _column(frame[column.name], column)
                if column.name in frame.columns
                else pl.Series(column.name, [None] * frame.height, pl.String)
                for column in table.columns
            ]
            lines = pl.Series("_line", numbers, pl.Int64)
            yield Batch(pl.DataFrame([lines, *columns]), [], size * (first - 1) // rows)
    except OSError as error:
        raise UnreadableFileError(f"it cannot be read ({error})") from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise UnreadableFileError(
            f"it is not a parquet file that can be read ({str(error).splitlines()[0]})"
        ) from error


def read_lines(file: LandingFile, wanted: set[int]) -> dict[int, bytes]:
    """Some rows as JSON."""
    found = pl.scan_parquet(file.path, row_index_name="_line", row_index_offset=1)
    frame = found.filter(pl.col("_line").is_in(list(wanted))).collect()
    rows = frame.iter_rows(named=True)
    return {row.pop("_line"): json.dumps(row, default=str).encode() for row in rows}


def _column(series: pl.Series, column: Column) -> pl.Series:
    """The column, typed where its type is the contract's or fits into it; as text otherwise."""
    kind = series.dtype
    if column.type in INTEGERS and kind.is_integer() and kind not in (pl.UInt64, pl.Int128, pl.UInt128):
        return series.cast(pl.Int64)
    if column.type == "boolean" and kind == pl.Boolean:
        return series
    if column.type == "timestamptz" and isinstance(kind, pl.Datetime) and kind.time_zone and kind.time_unit != "ns":
        instants = series.cast(pl.Datetime("us")).dt.replace_time_zone(None)
        if instants.is_between(_FIRST_YEAR, _YEAR_AFTER_LAST).all():
            return instants.dt.replace_time_zone("UTC")
    return _text(series, column)


def _text(series: pl.Series, column: Column) -> pl.Series:
    """The column as text; instants in UTC to the microsecond, nested values as JSON or array literals."""
    kind = series.dtype
    if isinstance(kind, pl.Datetime):
        zone = "Z" if kind.time_zone else ""
        # Nine digits keep what a nanosecond column holds, so that `validate` can refuse what Postgres would round.
        digits = "%9f" if kind.time_unit == "ns" else "%6f"
        utc = series.dt.convert_time_zone("UTC") if kind.time_zone else series
        return utc.dt.strftime(f"%Y-%m-%dT%H:%M:%S.{digits}{zone}")
    if kind.is_nested():
        spell = array_literal if column.type.endswith("[]") else _json_text
        return pl.Series(series.name, [None if v is None else spell(v) for v in series.to_list()], pl.String)
    if kind == pl.Binary:
        return pl.Series(series.name, [None if v is None else v.hex() for v in series.to_list()], pl.String)
    return series.cast(pl.String)


def _json_text(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)
