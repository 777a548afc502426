"""Newline-delimited JSON: one object per line.

Two lanes give the same answers. Lines whose values have the JSON types of the contract are decoded straight into
them (some 2 microseconds a line of nine values); the others are read value by value as raw text (10 microseconds),
where numbers in strings are taken too and everything else is refused with its reason.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Any

import msgspec
import polars as pl

from ingest.batch import BATCH_BYTES, BOM, INTEGERS, Batch, Refusal, RefusedError, is_text, shown, text_frame
from ingest.contract import Column, Table
from ingest.landing import LandingFile, open_bytes

# Compared by identity: these stand for a key that the line does not have.
_ABSENT_RAW = msgspec.Raw(b"null")
_ABSENT = msgspec.UNSET
_BIGINT = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_KEY_END = b'":'
_IN_ARRAYS = (str, int, float, Decimal, date, type(None))
_UNDECODABLE = (UnicodeDecodeError, RecursionError, msgspec.DecodeError)


def read_batches(file: LandingFile, table: Table) -> Iterator[Batch]:
    """The rows of a file; blank lines are none."""
    quick, careful = _QuickLane(table), _CarefulLane(table)
    first = 1
    with open_bytes(file) as (stream, raw):
        while block := stream.read(BATCH_BYTES) + stream.readline():
            lines = block.removesuffix(b"\n").split(b"\n")
            if first == 1:
                lines[0] = lines[0].removeprefix(BOM)
            frame, others = quick.read(block, lines)
            if frame.height:
                yield Batch(frame.with_columns(pl.col("_line") + first), [], raw.tell())
            if others:
                yield Batch(*careful.read([(first + index, lines[index]) for index in others]), raw.tell())
            first += len(lines)


def read_lines(file: LandingFile, wanted: set[int]) -> dict[int, bytes]:
    """The bytes of some lines, as delivered."""
    with open_bytes(file) as (stream, _):
        return {number: line for number, line in enumerate(stream, 1) if number in wanted}


class _QuickLane:
    """Decodes the lines whose values have the JSON types of the contract; leaves every other line alone."""

    def __init__(self, table: Table) -> None:
        self.columns = {column.name: column for column in table.columns}
        self.restricted = table.restricted_columns
        typed = {name: kind for name, column in self.columns.items() if (kind := _typed(column))}
        fields: list[tuple[str, Any, Any]] = [
            (name, json_type | None | msgspec.UnsetType, _ABSENT) for name, (json_type, _) in typed.items()
        ]
        self.kinds = {name: kind for name, (_, kind) in typed.items()}
        self.raw = {name: _converter(column) for name, column in self.columns.items() if name not in typed}
        fields += [(name, msgspec.Raw, _ABSENT_RAW) for name in (*self.raw, *self.restricted)]
        # Rows hold no cycles, so they need not be tracked by the collector.
        self.decoder = msgspec.json.Decoder(msgspec.defstruct("Row", fields, forbid_unknown_fields=True, gc=False))

    def read(self, block: bytes, lines: list[bytes]) -> tuple[pl.DataFrame, list[int]]:
        """The rows that could be decoded, `_line` counting from 0, and the places of the lines left over."""
        places, rows, others = self.decode(lines)
        try:
            columns, keys = self.transpose(rows)
        except (UnicodeDecodeError, RefusedError):
            return pl.DataFrame(), list(range(len(lines)))
        frame = pl.DataFrame([pl.Series("_line", places, pl.Int64), *columns])
        # A key that stands twice shows as more keys than values; so does a string that holds `":`. Look closer.
        if not others and not _has_spaced_colon(block) and block.count(_KEY_END) == keys.sum():
            return frame, []
        found = [-1 if _has_spaced_colon(lines[place]) else lines[place].count(_KEY_END) for place in places]
        certain = pl.Series(found, dtype=pl.Int64) == keys
        return frame.filter(certain), sorted([*others, *frame["_line"].filter(~certain)])

    def decode(self, lines: list[bytes]) -> tuple[Sequence[int], list[Any], list[int]]:
        decode = self.decoder.decode
        try:
            return range(len(lines)), [decode(line) for line in lines], []
        except _UNDECODABLE:
            pass
        places, rows, others = [], [], []
        for place, line in enumerate(lines):
            try:
                rows.append(decode(line))
                places.append(place)
            except _UNDECODABLE:
                others.append(place)
        return places, rows, others

    def transpose(self, rows: list[Any]) -> tuple[list[pl.Series], pl.Series]:
        """One series per column, and how many keys each row has, those inside its raw values included."""
        columns = []
        keys = pl.zeros(len(rows), pl.Int64, eager=True)
        for name in self.columns:
            values = list(map(attrgetter(name), rows))
            if name in self.raw:
                convert = self.raw[name]
                raw = list(map(bytes, values))
                columns.append(pl.Series(name, list(map(convert, raw)), pl.String))
                keys += _keys_of_raw(values, raw)
                continue
            try:
                columns.append(pl.Series(name, values, self.kinds[name]))
                keys += 1
            except (TypeError, ValueError):
                keys += pl.Series([value is not _ABSENT for value in values], dtype=pl.Boolean).cast(pl.Int64)
                present = [None if value is _ABSENT else value for value in values]
                columns.append(pl.Series(name, present, self.kinds[name]))
        for name in self.restricted:
            values = list(map(attrgetter(name), rows))
            keys += _keys_of_raw(values, list(map(bytes, values)))
        return columns, keys


def _has_spaced_colon(text: bytes) -> bool:
    """True when white space may stand between a key and its colon, so that counting `":` would miss the key."""
    return b" :" in text or (b"\t" in text and b"\t:" in text) or (b"\r" in text and b"\r:" in text)


def _keys_of_raw(values: list[msgspec.Raw], raw: list[bytes]) -> pl.Series:
    inside = pl.Series([text.count(_KEY_END) for text in raw], dtype=pl.Int64)
    return inside + pl.Series([value is not _ABSENT_RAW for value in values], dtype=pl.Boolean).cast(pl.Int64)


def _typed(column: Column) -> tuple[Any, type[pl.DataType]] | None:
    """The JSON type and the series type of a column, where JSON proves the type; None where the raw text is kept."""
    if column.type in INTEGERS:
        return _BIGINT, pl.Int64
    if column.type == "boolean":
        return bool, pl.Boolean
    if is_text(column) or column.type in ("uuid", "timestamptz", "date"):
        return str, pl.String
    return None


class _CarefulLane:
    """Reads any line: its values as text, or the reason why it gives none."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.converters = {column.name: _converter(column) for column in table.columns}
        names = (*self.converters, *table.restricted_columns)
        fields = [(name, msgspec.Raw, _ABSENT_RAW) for name in names]
        self.decoder = msgspec.json.Decoder(msgspec.defstruct("Row", fields, forbid_unknown_fields=True))

    def read(self, numbered: Sequence[tuple[int, bytes]]) -> tuple[pl.DataFrame, list[Refusal]]:
        lines: list[int] = []
        rows: list[list[str | None]] = []
        refusals = []
        for number, line in numbered:
            if not line.strip():
                continue
            try:
                rows.append(self.row(line))
                lines.append(number)
            except (*_UNDECODABLE, RefusedError) as error:
                refusals.append(_refusal(number, error))
        columns = {name: [row[i] for row in rows] for i, name in enumerate(self.converters)}
        return text_frame(self.table, lines, columns), refusals

    def row(self, line: bytes) -> list[str | None]:
        text = line.decode()
        row = self.decoder.decode(line)
        twice = _key_that_stands_twice(text)
        if twice is not None:
            raise RefusedError("json", f"{twice} stands twice in the object")
        return [convert(bytes(getattr(row, name))) for name, convert in self.converters.items()]


def _key_that_stands_twice(text: str) -> str | None:
    """Which of two values counts is anybody's guess. (Inside jsonb Postgres' own rule holds: the last.)"""
    # Called for every object, the outermost last; numbers stay text, so that none is too large to be read.
    pairs: list[tuple[str, Any]] = []

    def keep(found: list[tuple[str, Any]]) -> None:
        pairs[:] = found

    json.loads(text, object_pairs_hook=keep, parse_int=str, parse_float=str)
    keys = [key for key, _ in pairs]
    return next((key for key in keys if keys.count(key) > 1), None)


def _refusal(number: int, error: Exception) -> Refusal:
    match error:
        case UnicodeDecodeError():
            return Refusal(number, "utf8", f"byte {error.start + 1} of the line is not UTF-8")
        case RefusedError():
            return Refusal(number, error.rule, str(error))
        case msgspec.ValidationError():
            rule = "unknown_column" if "unknown field" in str(error) else "json"
            reason = str(error).replace("Object contains unknown field ", "the contract has no column ")
            return Refusal(number, rule, reason if len(reason) <= 200 and reason.isprintable() else shown(reason))
        case RecursionError():
            return Refusal(number, "json", "JSON is nested too deeply")
        case _:
            return Refusal(number, "json", f"not one JSON object: {error}")


def _converter(column: Column) -> Callable[[bytes], str | None]:
    """From the raw JSON of one value to the text Postgres shall read, or RefusedError."""
    if column.type == "jsonb":
        return lambda raw: None if raw == b"null" else str(raw, "utf-8")
    is_array = column.type.endswith("[]")

    def convert(raw: bytes) -> str | None:
        first = raw[:1]
        if first == b'"':
            return raw[1:-1].decode() if b"\\" not in raw else _string(column, raw)
        if raw == b"null":
            return None
        if first == b"[" and is_array:
            return array_literal(column, json.loads(raw, parse_float=str, parse_int=str))
        if is_text(column) or is_array or first in (b"{", b"["):
            raise RefusedError("type", f"{column.name} is {raw[:40].decode(errors='replace')}, not a {column.type}")
        return raw.decode()

    return convert


def _string(column: Column, raw: bytes) -> str:
    try:
        return msgspec.json.decode(raw, type=str)
    except msgspec.DecodeError as error:
        raise RefusedError("json", f"{column.name} holds an escape that is no character") from error


def array_literal(column: Column, values: list[Any]) -> str:
    """Texts, numbers and truths as Postgres writes an array of them; RefusedError for anything else."""
    quoted = []
    for value in values:
        is_truth = isinstance(value, bool)
        if not isinstance(value, _IN_ARRAYS) or (is_truth and column.type != "boolean[]"):
            reason = f"{column.name} holds {shown(str(value))}, which is no element of a {column.type}"
            raise RefusedError("type", reason)
        text = str(value).replace("\\", "\\\\").replace('"', '\\"')
        quoted.append("NULL" if value is None else f'"{text}"')
    return "{" + ",".join(quoted) + "}"
