"""How sample rows become landing files: ndjson, csv, parquet, plain or compressed; equal rows give equal bytes."""

import gzip
import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
from backports import zstd

from ingest.contract import Table
from ingest.sample.outbox import Row

FORMATS = ("ndjson.gz", "csv.zst", "parquet", "ndjson.zst", "csv.gz", "ndjson", "csv")
_RESTRICTED = "withheld by the warehouse"  # stands for what a source would send in a restricted column


def write_file(folder: Path, stem: str, file_format: str, table: Table, rows: Sequence[Row]) -> Path:
    """Write rows as `<stem>.<file_format>` in a landing folder and return the path."""
    kind, _, compression = file_format.partition(".")
    full = [{**row, **dict.fromkeys(table.restricted_columns, _RESTRICTED)} for row in rows]
    content = {"ndjson": _ndjson, "csv": _csv, "parquet": _parquet}[kind](table, full)
    if compression == "gz":
        content = gzip.compress(content, mtime=0)
    elif compression == "zst":
        content = zstd.compress(content)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}.{file_format}"
    path.write_bytes(content)
    return path


def _ndjson(table: Table, rows: Sequence[Row]) -> bytes:
    return "".join(json.dumps(row, default=_text, ensure_ascii=False) + "\n" for row in rows).encode()


def _csv(table: Table, rows: Sequence[Row]) -> bytes:
    names = [*(column.name for column in table.columns), *table.restricted_columns]
    arrays = {column.name for column in table.columns if column.type.endswith("[]")}
    columns = {name: [_csv_text(row[name], name in arrays) for row in rows] for name in names}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String))
    return frame.write_csv(quote_style="non_numeric").encode()


def _csv_text(value: Any, is_array: bool) -> str | None:
    if value is None:
        return None
    return "{" + ",".join(json.dumps(_text(item)) for item in value) + "}" if is_array else _text(value)


def _parquet(table: Table, rows: Sequence[Row]) -> bytes:
    kinds: dict[str, Any] = {
        "bigint": pl.Int64,
        "integer": pl.Int32,
        "boolean": pl.Boolean,
        "timestamptz": pl.Datetime("us", "UTC"),
    }
    kinds |= {f"{name}[]": pl.List(kind) for name, kind in (*kinds.items(), ("text", pl.String))}
    types = {column.name: kinds.get(column.type, pl.String) for column in table.columns}
    types |= dict.fromkeys(table.restricted_columns, pl.String)
    columns = {
        name: [row[name] if row[name] is None or kind != pl.String else _text(row[name]) for row in rows]
        for name, kind in types.items()
    }
    buffer = BytesIO()
    pl.DataFrame(columns, schema=types).write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def _text(value: Any) -> str:
    """A value as an exporter spells it where the format has no type for it."""
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case UUID() | Decimal() | int() | str():
            return str(value)
        case _:
            return json.dumps(value, default=_text, ensure_ascii=False)
