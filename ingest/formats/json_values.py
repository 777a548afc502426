"""Lines of JSON read value by value as raw text: the lane that takes any line, and says of each bad one why it is bad.

Numbers in strings are taken too; everything else that is not a value of its column is refused.
"""

import json
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import polars as pl

from ingest.batch import Refusal, RefusedError, is_text, shown, text_frame
from ingest.contract import Column, Table
from ingest.fingerprint import Fingerprint

# Compared by identity: it stands for a key that the line does not have.
ABSENT_RAW = msgspec.Raw(b"null")
UNDECODABLE = (UnicodeDecodeError, RecursionError, msgspec.DecodeError)
_IN_ARRAYS = (str, int, float, Decimal, date, type(None))


class CarefulLane:
    """Reads any line: its values as text, or the reason why it gives none."""

    def __init__(self, table: Table, fingerprint: Fingerprint) -> None:
        self.fingerprint = fingerprint
        self.table = table
        self.converters = {column.name: converter(column) for column in table.columns}
        names = (*self.converters, *table.restricted_columns)
        fields = [(name, msgspec.Raw, ABSENT_RAW) for name in names]
        self.decoder = msgspec.json.Decoder(msgspec.defstruct("Row", fields, forbid_unknown_fields=True))

    def read(self, numbered: Sequence[tuple[int, bytes]]) -> tuple[pl.DataFrame, list[Refusal]]:
        """Numbered lines as a frame of text, and a refusal for each that gives no row; blank lines are none."""
        lines: list[int] = []
        rows: list[list[str | None]] = []
        texts: list[bytes] = []
        refusals = []
        for number, line in numbered:
            if not line.strip():
                continue
            try:
                rows.append(self.row(line))
                lines.append(number)
                texts.append(line.removesuffix(b"\r"))
            except (*UNDECODABLE, RefusedError) as error:
                refusals.append(_refusal(number, error))
        columns = {name: [row[i] for row in rows] for i, name in enumerate(self.converters)}
        fingerprints = self.fingerprint.of_texts(pl.Series(texts, dtype=pl.Binary))
        return text_frame(self.table, lines, columns).with_columns(fingerprints), refusals

    def row(self, line: bytes) -> list[str | None]:
        """The text of each column's value; one of UNDECODABLE, or RefusedError, where there is no row."""
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


def converter(column: Column) -> Callable[[bytes], str | None]:
    """From the raw JSON of one value to the text Postgres shall read, or RefusedError."""
    if column.type == "jsonb":
        return document
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


def document(raw: bytes) -> str | None:
    """The converter of jsonb: JSON stays as it is spelt, and null is none."""
    return None if raw == b"null" else str(raw, "utf-8")


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
