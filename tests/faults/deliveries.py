"""Landing files out of a seed: every format, plain or packed, with the rows and the damage that the model knows of.

The bytes are written here and by polars, never by the loader's own code.
"""

import csv
import gzip
import io
import json
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import polars as pl
from backports import zstd

from ingest.contract import Column, Table
from tests.faults.model import Delivery, Line
from tests.faults.rows import DELIVERY_DAYS, kits, version_of

FORMATS = ("ndjson", "ndjson.gz", "ndjson.zst", "csv", "csv.gz", "parquet")
KEYS = 40  # few, so that files have keys in common


class Row(NamedTuple):
    """A row to be written: what it says, and the rule that column `column` breaks by saying `text` instead."""

    values: dict[str, Any]
    broken: str | None = None
    column: str | None = None
    text: str | None = None


# Lines that are no row at all, by format.
GARBAGE = {
    "ndjson": (("json", b"{not json}\n"), ("json", b"[1, 2]\n"), ("unknown_column", b'{"surprise": 1}\n')),
    "csv": (("csv", b"one,two\n"),),
    "parquet": (),
}


def draw_deliveries(draw: random.Random, tables: Mapping[str, Table]) -> tuple[Delivery, ...]:
    """A landing zone of one to three files a table, some copied under other names, now and then one cut short."""
    deliveries = []
    for name, kit in kits().items():
        table = tables[name]
        for number in range(draw.choice((1, 2, 2, 3))):
            rows = []
            for _ in range(draw.choice((0, 3, 12, 25, 25))):
                values = kit.row(draw.randrange(KEYS), version_of(kit, table.load_mode, draw))
                broken = draw.choice(kit.breaks) if draw.random() < 0.06 else (None, None, None)
                rows.append(Row(values, *broken))
            kind = draw.choice(FORMATS)
            day = draw.choice(DELIVERY_DAYS)
            delivery = deliver(table, rows, f"part-{number}.{kind}", day, draw)
            deliveries.append(delivery)
            if draw.random() < 0.15:
                deliveries.append(_copied(delivery, draw))
    if draw.random() < 0.3:
        position = draw.randrange(len(deliveries))
        deliveries.append(_cut_short(deliveries[position], draw))
    return tuple(deliveries)


def deliver(table: Table, rows: Sequence[Row], name: str, day: Any, draw: random.Random) -> Delivery:
    """One file with these rows, spelled in one of the ways its format allows; its ending names the format."""
    kind, _, packing = name.split(".", 1)[1].partition(".")
    writer = {"ndjson": _ndjson, "csv": _csv, "parquet": _parquet}[kind]
    content, lines = writer(table, rows, draw)
    pack = {"": bytes, "gz": lambda data: gzip.compress(data, mtime=0), "zst": zstd.compress}[packing]
    return Delivery(f"{table.system}.{table.name}", day, name, pack(content), tuple(lines))


def write(landing: Path, deliveries: Sequence[Delivery]) -> None:
    for delivery in deliveries:
        path = landing / delivery.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(delivery.content)


def _copied(delivery: Delivery, draw: random.Random) -> Delivery:
    later = draw.choice([day for day in DELIVERY_DAYS if day >= delivery.day])
    return Delivery(delivery.table, later, f"copy-of-{delivery.name}", delivery.content, delivery.lines)


def _cut_short(delivery: Delivery, draw: random.Random) -> Delivery:
    packed = gzip.compress(b'{"id": "cut"}\n' * 50 + draw.randbytes(200), mtime=0)
    cut = packed[: draw.randrange(20, len(packed) - 1)]
    return Delivery(delivery.table, delivery.day, "cut-short.ndjson.gz", cut, (), readable=False)


# --- ndjson ---------------------------------------------------------------------------------------------------------


def _ndjson(table: Table, rows: Sequence[Row], draw: random.Random) -> tuple[bytes, list[Line]]:
    content, lines = b"", []
    for number, row in _numbered(rows, "ndjson", draw):
        if isinstance(row, bytes):
            raw, values, broken = row, {}, _rule_of("ndjson", row)
        else:
            fields = {c.name: _json_value(c, row.values[c.name], draw) for c in table.columns}
            if row.column:
                fields[row.column] = row.text
            spelled = {name: value for name, value in fields.items() if value is not None or draw.random() < 0.5}
            raw = json.dumps(spelled, ensure_ascii=draw.random() < 0.5).encode() + b"\n"
            values, broken = row.values, row.broken
        content += raw
        if raw.strip():
            lines.append(Line(number, values, broken, raw))
    return content, lines


def _json_value(column: Column, value: Any, draw: random.Random) -> Any:
    if isinstance(value, datetime):
        return _spelled_instant(value, draw)
    if isinstance(value, UUID):
        return str(value).upper() if draw.random() < 0.2 else str(value)
    if isinstance(value, int) and draw.random() < 0.1:
        return str(value)  # many exporters put big integers into strings
    return value


def _spelled_instant(value: datetime, draw: random.Random) -> str:
    zone = draw.choice((UTC, UTC, timezone(timedelta(hours=2)), timezone(-timedelta(hours=5, minutes=30))))
    return value.astimezone(zone).isoformat(draw.choice("T "), "microseconds")


# --- csv ------------------------------------------------------------------------------------------------------------


def _csv(table: Table, rows: Sequence[Row], draw: random.Random) -> tuple[bytes, list[Line]]:
    names = [column.name for column in table.columns]
    draw.shuffle(names)
    content, lines = _record(names), []
    ending = 2  # the line on which the next record starts
    for _, row in _numbered(rows, "csv", draw):
        if isinstance(row, bytes):
            raw, values, broken = row, {}, _rule_of("csv", row)
        else:
            columns = {column.name: column for column in table.columns}
            fields = {name: _csv_text(columns[name], row.values[name], draw) for name in names}
            if row.column:
                fields[row.column] = row.text
            raw, values, broken = _record(fields.values()), row.values, row.broken
        content += raw
        if raw.strip():
            lines.append(Line(ending, values, broken, raw))
        ending += raw.count(b"\n")
    return content, lines


def _record(fields: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(["" if field is None else field for field in fields])
    return text.getvalue().encode()


def _csv_text(column: Column, value: Any, draw: random.Random) -> str | None:
    if value is None:
        return None
    if column.type == "jsonb":
        return json.dumps(value, indent=draw.choice((None, 0)))
    if column.type.endswith("[]"):
        return "{" + ",".join(json.dumps(item) for item in value) + "}"
    return str(_json_value(column, value, draw))


# --- parquet --------------------------------------------------------------------------------------------------------


def _parquet(table: Table, rows: Sequence[Row], draw: random.Random) -> tuple[bytes, list[Line]]:
    told = {row.column for row in rows if row.text is not None}  # columns with a broken value are columns of text
    series = []
    for column in table.columns:
        values: list[Any] = [None if row.column == column.name else row.values[column.name] for row in rows]
        if column.name in told or column.type in ("uuid", "jsonb"):
            texts = [_csv_text(column, value, draw) for value in values]
            for index, row in enumerate(rows):
                if row.column == column.name:
                    texts[index] = row.text
            series.append(pl.Series(column.name, texts, pl.String))
        else:
            series.append(pl.Series(column.name, values, _parquet_type(column)))
    buffer = io.BytesIO()
    pl.DataFrame(series).write_parquet(buffer, row_group_size=draw.choice((5, 100)))
    return buffer.getvalue(), [Line(number, row.values, row.broken) for number, row in enumerate(rows, 1)]


def _parquet_type(column: Column) -> Any:
    if column.type == "timestamptz":
        return pl.Datetime("us", "UTC")
    if column.type in ("bigint", "integer"):
        return pl.Int64
    return pl.List(pl.String) if column.type.endswith("[]") else pl.String


# --- lines that are no rows -----------------------------------------------------------------------------------------


def _numbered(rows: Sequence[Row], kind: str, draw: random.Random) -> list[tuple[int, Row | bytes]]:
    """The rows with a blank line or garbage between them now and then, by line number from 1."""
    mixed: list[Row | bytes] = []
    for row in rows:
        if draw.random() < 0.03:
            mixed.append(draw.choice([b"\n", *(raw for _, raw in GARBAGE[kind])]))
        mixed.append(row)
    return list(enumerate(mixed, 1))


def _rule_of(kind: str, raw: bytes) -> str | None:
    return next((rule for rule, garbage in GARBAGE[kind] if garbage == raw), None)
