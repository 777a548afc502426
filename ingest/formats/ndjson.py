"""Newline-delimited JSON: one object per line.

Two lanes give the same answers. Lines whose values have the JSON types of the contract are decoded straight into
them, a block at once where that goes (2.3 microseconds a line of nine values); the others are read value by value (10
microseconds), see `json_values`.
"""

from collections.abc import Iterator
from operator import attrgetter
from typing import Annotated, Any

import msgspec
import polars as pl

from ingest.batch import BATCH_BYTES, BOM, INTEGERS, Batch, RefusedError, is_text
from ingest.contract import Column, Table
from ingest.fingerprint import Fingerprint
from ingest.formats.json_values import ABSENT_RAW, UNDECODABLE, CarefulLane, converter, document
from ingest.formats.lines import split_lines
from ingest.landing import LandingFile, open_bytes

_ABSENT = msgspec.UNSET
_BIGINT = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_BLANK = " \t\n\r\v\f"  # what `bytes.strip` strips
_ESCAPED_COLON = "\\u003"  # or another character just as rare


def read_batches(file: LandingFile, table: Table) -> Iterator[Batch]:
    """The rows of a file; blank lines are none."""
    fingerprint = Fingerprint.of(table, ["ndjson"])
    quick, careful = _QuickLane(table, fingerprint), CarefulLane(table, fingerprint)
    for first, block, bytes_read in _blocks(file):
        found = quick.block(block)
        lines = [] if found and not found[1] else block.split(b"\n")
        frame, others = found or quick.lines(lines)
        if frame.height:
            yield Batch(frame.with_columns(pl.col("_line") + first), [], bytes_read)
        if others:
            yield Batch(*careful.read([(first + index, lines[index]) for index in others]), bytes_read)


def read_fingerprints(file: LandingFile, table: Table) -> Iterator[Batch]:
    """The fingerprints of all lines that are not blank, whether or not they give rows."""
    fingerprint = Fingerprint.of(table, ["ndjson"])
    for first, block, bytes_read in _blocks(file):
        try:
            lines = split_lines(block)
            texts = lines.set(lines.str.strip_chars(_BLANK) == "", None)
        except pl.exceptions.PolarsError:
            texts = pl.Series(
                [line.removesuffix(b"\r") if line.strip() else None for line in block.split(b"\n")], dtype=pl.Binary
            )
        numbers = pl.Series("_line", range(first, first + len(texts)), pl.Int64)
        frame = pl.DataFrame([numbers, *fingerprint.of_texts(texts)])
        yield Batch(frame.filter(texts.is_not_null()), [], bytes_read)


def _blocks(file: LandingFile) -> Iterator[tuple[int, bytes, int]]:
    """The number of a block's first line, its lines, and how much of the file has been read with them."""
    first = 1
    with open_bytes(file) as (stream, raw):
        while block := stream.read(BATCH_BYTES) + stream.readline():
            block = (block.removeprefix(BOM) if first == 1 else block).removesuffix(b"\n")
            yield first, block, raw.tell()
            first += block.count(b"\n") + 1


def read_lines(file: LandingFile, wanted: set[int]) -> dict[int, bytes]:
    """The bytes of some lines, as delivered."""
    with open_bytes(file) as (stream, _):
        return {number: line for number, line in enumerate(stream, 1) if number in wanted}


class _QuickLane:
    """Decodes the lines whose values have the JSON types of the contract; leaves every other line alone."""

    def __init__(self, table: Table, fingerprint: Fingerprint) -> None:
        self.fingerprint = fingerprint
        self.columns = {column.name: column for column in table.columns}
        self.restricted = table.restricted_columns
        typed = {name: kind for name, column in self.columns.items() if (kind := _typed(column))}
        fields: list[tuple[str, Any, Any]] = [
            (name, json_type | None | msgspec.UnsetType, _ABSENT) for name, (json_type, _) in typed.items()
        ]
        self.kinds = {name: kind for name, (_, kind) in typed.items()}
        self.raw = {name: converter(column) for name, column in self.columns.items() if name not in typed}
        fields += [(name, msgspec.Raw, ABSENT_RAW) for name in (*self.raw, *self.restricted)]
        # Rows hold no cycles, so they need not be tracked by the collector.
        self.decoder = msgspec.json.Decoder(msgspec.defstruct("Row", fields, forbid_unknown_fields=True, gc=False))

    def block(self, block: bytes) -> tuple[pl.DataFrame, list[int]] | None:
        """The rows of a block, `_line` counting from 0, and the places of the lines left over.

        None unless every line is an object without doubt.
        """
        try:
            rows = self.decoder.decode_lines(block)
            columns, colons = self.transpose(rows)
            lines = split_lines(block)
        except (*UNDECODABLE, RefusedError, pl.exceptions.PolarsError):
            return None
        # The decoder minds no ends of lines. But no comma between `}` and `{` means that one object ends, one begins.
        is_object = lines.str.starts_with("{") & lines.str.ends_with("}")
        if len(lines) != len(rows) or not is_object.all():
            return None
        places = pl.Series("_line", range(len(rows)), pl.Int64)
        is_certain = (_colons(lines) == colons) & ~lines.str.contains(_ESCAPED_COLON, literal=True)
        frame = pl.DataFrame([places, *columns, *self.fingerprint.of_texts(lines)])
        return (frame, []) if is_certain.all() else (frame.filter(is_certain), places.filter(~is_certain).to_list())

    def lines(self, lines: list[bytes]) -> tuple[pl.DataFrame, list[int]]:
        """As `block`, line by line."""
        places, rows, others = [], [], []
        for place, line in enumerate(lines):
            try:
                rows.append(self.decoder.decode(line))
                places.append(place)
            except UNDECODABLE:
                others.append(place)
        try:
            columns, colons = self.transpose(rows)
            text = pl.Series([lines[place].decode() for place in places], dtype=pl.String)
        except (UnicodeDecodeError, RefusedError, pl.exceptions.PolarsError):
            return pl.DataFrame(), list(range(len(lines)))
        numbers = pl.Series("_line", places, pl.Int64)
        frame = pl.DataFrame([numbers, *columns, *self.fingerprint.of_texts(text)])
        is_certain = (_colons(text) == colons) & ~text.str.contains(_ESCAPED_COLON, literal=True)
        return frame.filter(is_certain), sorted([*others, *frame["_line"].filter(~is_certain)])

    def transpose(self, rows: list[Any]) -> tuple[list[pl.Series], pl.Series]:
        """One series per column, and how many colons each row has: one after each key, and those inside its values.

        A line with more of them has a key that stands twice, of which the decoder tells nothing.
        """
        columns = []
        colons = pl.zeros(len(rows), pl.Int64, eager=True)
        for name in self.columns:
            values = list(map(attrgetter(name), rows))
            column, found = self.raw_series(name, values) if name in self.raw else self.series(name, values)
            columns.append(column)
            colons += found
        for name in self.restricted:
            colons += _colons_of_raw(list(map(attrgetter(name), rows)))
        return columns, colons

    def series(self, name: str, values: list[Any]) -> tuple[pl.Series, pl.Series | int]:
        """A column whose type JSON proves, and the colons of each value and its key."""
        found: pl.Series | int = 1
        try:
            column = pl.Series(name, values, self.kinds[name])
        except (TypeError, ValueError):
            column = pl.Series(name, [None if value is _ABSENT else value for value in values], self.kinds[name])
            found = pl.Series([value is not _ABSENT for value in values], dtype=pl.Boolean).cast(pl.Int64)
        return column, found + _colons(column) if column.dtype == pl.String else found

    def raw_series(self, name: str, values: list[msgspec.Raw]) -> tuple[pl.Series, pl.Series]:
        """As `series`, for a column that keeps the text of its values."""
        convert = self.raw[name]
        if convert is not document:
            return pl.Series(name, [convert(bytes(value)) for value in values], pl.String), _colons_of_raw(values)
        # No value holds the end of a line: a fifth of the time that it takes to make each a text by itself.
        column = split_lines(b"\n".join(values)).alias(name)
        column = column.set(column == "null", None)
        has_key = pl.Series([value is not ABSENT_RAW for value in values], dtype=pl.Boolean).cast(pl.Int64)
        return column, has_key + _colons(column)


def _colons(column: pl.Series) -> pl.Series:
    return column.str.count_matches(":", literal=True).fill_null(0).cast(pl.Int64)


def _colons_of_raw(values: list[msgspec.Raw]) -> pl.Series:
    return pl.Series([(value is not ABSENT_RAW) + bytes(value).count(b":") for value in values], dtype=pl.Int64)


def _typed(column: Column) -> tuple[Any, type[pl.DataType]] | None:
    """The JSON type and the series type of a column, where JSON proves the type; None where the raw text is kept."""
    if column.type in INTEGERS:
        return _BIGINT, pl.Int64
    if column.type == "boolean":
        return bool, pl.Boolean
    if is_text(column) or column.type in ("uuid", "timestamptz", "date"):
        return str, pl.String
    return None
