"""From a file's bytes to batches of text columns: one string or null per value, nothing converted yet.

Text keeps every value exact (integers beyond 64 bits, all decimals); Postgres alone turns it into types. A line that
yields no values at all becomes a Refusal here; whether values fit the contract is `validate`'s business.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

import msgspec
import polars as pl

from ingest.contract import Column, Table
from ingest.errors import UnreadableFileError
from ingest.landing import LandingFile, open_bytes

BATCH_ROWS = 50_000  # some 30 MB of text for a wide table: flat memory, and long enough for vectorised checks
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Refusal:
    """A row that does not become one: its line (from 1; the row's number in parquet), the rule, and why."""

    line: int
    rule: str
    reason: str


@dataclass(frozen=True)
class Batch:
    """Some rows of a file: `_line` and one String column per contract column; and the lines that gave no row."""

    frame: pl.DataFrame
    refusals: list[Refusal]


class _RefusedError(Exception):
    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule


def read_batches(file: LandingFile, table: Table) -> Iterator[Batch]:
    """The file in batches; UnreadableFileError when it cannot be read to its end."""
    readers = {"ndjson": _read_ndjson, "csv": _read_csv, "parquet": _read_parquet}
    yield from readers[file.format](file, table)


def read_lines(file: LandingFile, wanted: set[int]) -> dict[int, bytes]:
    """The raw bytes of some rows, by line; a parquet row is given as JSON."""
    if file.format == "parquet":
        frame = pl.read_parquet(file.path)
        return {line: json.dumps(frame.row(line - 1, named=True), default=str).encode() for line in wanted}
    with open_bytes(file) as stream:
        if file.format == "csv":
            return {record.line: record.raw for record in _csv_records(stream) if record.line in wanted}
        return {number: line for number, line in enumerate(stream, 1) if number in wanted}


def _batch(table: Table, lines: list[int], columns: dict[str, list[str | None]], refusals: list[Refusal]) -> Batch:
    names = {column.name: pl.String for column in table.columns}
    frame = pl.DataFrame({"_line": lines, **columns}, schema={"_line": pl.Int64, **names})
    return Batch(frame, refusals)


# --- ndjson ---------------------------------------------------------------------------------------------------------


def _read_ndjson(file: LandingFile, table: Table) -> Iterator[Batch]:
    absent = msgspec.Raw(b"null")
    names = [column.name for column in table.columns]
    fields = [(name, msgspec.Raw, absent) for name in (*names, *table.restricted_columns)]
    # Raw fields keep each value's own text, so that no number passes through a float.
    shape = msgspec.defstruct("Row", fields, forbid_unknown_fields=True)
    decoder = msgspec.json.Decoder(shape)
    converters = [_json_converter(column) for column in table.columns]
    with open_bytes(file) as stream:
        numbered = enumerate(stream, 1)
        while chunk := list(islice(numbered, BATCH_ROWS)):
            lines: list[int] = []
            rows: list[list[str | None]] = []
            refusals = []
            for number, line in chunk:
                text = line.removeprefix(BOM) if number == 1 else line
                if not text.strip():
                    continue
                try:
                    text.decode()
                    row = decoder.decode(text)
                    rows.append(
                        [convert(bytes(getattr(row, name))) for name, convert in zip(names, converters, strict=True)]
                    )
                    lines.append(number)
                except (UnicodeDecodeError, RecursionError, msgspec.DecodeError, _RefusedError) as error:
                    refusals.append(_json_refusal(number, error))
            columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
            yield _batch(table, lines, columns, refusals)


def _json_refusal(number: int, error: Exception) -> Refusal:
    match error:
        case UnicodeDecodeError():
            return Refusal(number, "utf8", f"byte {error.start + 1} of the line is not UTF-8")
        case _RefusedError():
            return Refusal(number, error.rule, str(error))
        case msgspec.ValidationError():
            rule = "unknown_column" if "unknown field" in str(error) else "json"
            return Refusal(
                number,
                rule,
                str(error).replace("Object contains unknown field", "the contract has no column"),
            )
        case RecursionError():
            return Refusal(number, "json", "JSON is nested too deeply")
        case _:
            return Refusal(number, "json", f"not one JSON object: {error}")


def _json_converter(column: Column) -> Callable[[bytes], str | None]:
    """From the raw JSON of one value to the text Postgres shall read, or `_RefusedError`."""
    if column.type == "jsonb":
        return lambda raw: None if raw == b"null" else raw.decode()
    is_array = column.type.endswith("[]")
    is_text = column.type.startswith(("text", "varchar")) and not is_array

    def convert(raw: bytes) -> str | None:
        first = raw[:1]
        if first == b'"':
            return raw[1:-1].decode() if b"\\" not in raw else _json_string(column, raw)
        if raw == b"null":
            return None
        if first == b"[" and is_array:
            return _array_literal(json.loads(raw, parse_float=str))
        if is_text or is_array or first in (b"{", b"["):
            raise _RefusedError("type", f"{column.name} is {raw[:40].decode(errors='replace')}, not a {column.type}")
        return raw.decode()

    return convert


def _json_string(column: Column, raw: bytes) -> str:
    try:
        return msgspec.json.decode(raw, type=str)
    except msgspec.DecodeError as error:
        raise _RefusedError("json", f"{column.name} holds an escape that is no character") from error


def _array_literal(values: list[Any]) -> str:
    quoted = [
        "NULL" if value is None else '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
        for value in values
    ]
    return "{" + ",".join(quoted) + "}"


# --- csv ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _CsvRecord:
    line: int
    raw: bytes
    fields: list[str] | None
    problem: str | None = None


def _csv_records(stream: BinaryIO) -> Iterator[_CsvRecord]:
    """Records with the line they start on and their bytes; the header is the first."""
    csv.field_size_limit(2**31 - 1)  # the default of 128 KiB would refuse long texts
    taken: list[bytes] = []

    def lines() -> Iterator[str]:
        for number, line in enumerate(stream, 1):
            taken.append(line)
            # Bytes that are not UTF-8 become surrogates, which the caller finds and refuses.
            yield (line.removeprefix(BOM) if number == 1 else line).decode(errors="surrogateescape")

    reader = csv.reader(lines(), strict=True)
    start = 1
    while True:
        taken.clear()
        fields, problem = None, None
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = str(error)
        if fields != []:
            yield _CsvRecord(start, b"".join(taken), fields, problem)
        start += len(taken)


def _read_csv(file: LandingFile, table: Table) -> Iterator[Batch]:
    with open_bytes(file) as stream:
        records = _csv_records(stream)
        header = next(records, None)
        if header is None:
            return
        if header.fields is None:
            raise UnreadableFileError(f"its header is not CSV ({header.problem})")
        names = header.fields
        known = {*(column.name for column in table.columns), *table.restricted_columns}
        stranger = next((name for name in names if name not in known or names.count(name) > 1), None)
        while chunk := list(islice(records, BATCH_ROWS)):
            lines, rows, refusals = [], [], []
            for record in chunk:
                try:
                    if stranger is not None:
                        raise _RefusedError(
                            "unknown_column", f"the contract has no column `{stranger}`, or it stands twice"
                        )
                    rows.append(_csv_values(record, len(names)))
                    lines.append(record.line)
                except _RefusedError as error:
                    refusals.append(Refusal(record.line, error.rule, str(error)))
            place = {name: index for index, name in enumerate(names)}
            columns = {
                column.name: [row[place[column.name]] if column.name in place else None for row in rows]
                for column in table.columns
            }
            yield _batch(table, lines, columns, refusals)


def _csv_values(record: _CsvRecord, width: int) -> list[str | None]:
    """One string per field, null where the field is empty and not quoted (as Postgres writes and reads CSV)."""
    if record.fields is None:
        raise _RefusedError("csv", f"not CSV: {record.problem}")
    if len(record.fields) != width:
        raise _RefusedError("csv", f"has {len(record.fields)} fields where the header names {width}")
    if not record.raw.isascii():
        try:
            record.raw.decode()
        except UnicodeDecodeError as error:
            raise _RefusedError("utf8", f"byte {error.start + 1} of the record is not UTF-8") from error
    if b'""' not in record.raw:
        return [value or None for value in record.fields]
    quoted = [match[1] is not None for match in _FIELD.finditer(record.raw.decode().removeprefix("\ufeff"))]
    return [value if value or quoted[index] else None for index, value in enumerate(record.fields)]


_FIELD = re.compile(r'(?:^|(?<=,))(?:("(?:[^"]|"")*")|[^,]*)(?=,|\r?\n?$)')


# --- parquet --------------------------------------------------------------------------------------------------------


def _read_parquet(file: LandingFile, table: Table) -> Iterator[Batch]:
    try:
        scan = pl.scan_parquet(file.path)
        schema = scan.collect_schema()
        known = {column.name for column in table.columns}
        stranger = next((name for name in schema if name not in known | set(table.restricted_columns)), None)
        kept = scan.select([name for name in schema if name in known])
        first = 1
        for frame in kept.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
            numbers = range(first, first + frame.height)
            first += frame.height
            if stranger is not None:
                reason = f"the contract has no column `{stranger}`"
                yield _batch(table, [], {}, [Refusal(line, "unknown_column", reason) for line in numbers])
                continue
            texts = [
                _parquet_text(frame[column.name], column)
                if column.name in frame.columns
                else pl.Series(column.name, [None] * frame.height, pl.String)
                for column in table.columns
            ]
            yield Batch(pl.DataFrame([pl.Series("_line", numbers, pl.Int64), *texts]), [])
    except OSError as error:
        raise UnreadableFileError(f"it cannot be read ({error})") from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise UnreadableFileError(
            f"it is not a parquet file that can be read ({str(error).splitlines()[0]})"
        ) from error


def _parquet_text(series: pl.Series, column: Column) -> pl.Series:
    """The column as text; instants in UTC to the microsecond, nested values as JSON or array literals."""
    kind = series.dtype
    if isinstance(kind, pl.Datetime):
        zone = "Z" if kind.time_zone else ""
        # Nine digits keep what a nanosecond column holds, so that `validate` can refuse what Postgres would round.
        digits = "%9f" if kind.time_unit == "ns" else "%6f"
        utc = series.dt.convert_time_zone("UTC") if kind.time_zone else series
        return utc.dt.strftime(f"%Y-%m-%dT%H:%M:%S.{digits}{zone}")
    if kind.is_nested():
        spell = _array_literal if column.type.endswith("[]") else _json_text
        return pl.Series(series.name, [None if v is None else spell(v) for v in series.to_list()], pl.String)
    if kind == pl.Binary:
        return pl.Series(series.name, [None if v is None else v.hex() for v in series.to_list()], pl.String)
    return series.cast(pl.String)


def _json_text(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)
