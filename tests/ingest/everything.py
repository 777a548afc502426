"""A system with every Postgres type that contracts use, and what becomes of a file delivered into it.

`SPELLINGS` are texts that any format can deliver; what only one format can say stands beside its tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from ingest.landing import find_files
from ingest.load import Load, load_files
from tests.ingest.zone import Zone, counts

EVERYTHING = "matrix.everything"
# One column, so that a line of the file holds nothing but a value.
WORDS = "matrix.words"
# A required text, and a restricted column that must never be kept.
PEOPLE = "matrix.people"

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: tally.matrix
name: matrix
version: 1.0.0
status: active
schema:
  - name: everything
    customProperties: [{property: loadMode, value: append}]
    properties:
      - {name: id, logicalType: integer, physicalType: bigint, required: true, primaryKey: true, primaryKeyPosition: 1}
      - {name: big, logicalType: integer, physicalType: bigint}
      - {name: whole, logicalType: integer, physicalType: integer}
      - {name: small, logicalType: integer, physicalType: smallint}
      - {name: exact, logicalType: number, physicalType: numeric}
      - {name: price, logicalType: number, physicalType: "numeric(5,2)"}
      - {name: ratio, logicalType: number, physicalType: double precision}
      - {name: flag, logicalType: boolean, physicalType: boolean}
      - {name: day, logicalType: date, physicalType: date}
      - {name: at, logicalType: timestamp, physicalType: timestamptz}
      - {name: uid, logicalType: string, physicalType: uuid}
      - {name: name, logicalType: string, physicalType: text}
      - {name: code, logicalType: string, physicalType: varchar(5)}
      - {name: doc, logicalType: object, physicalType: jsonb}
      - {name: tags, logicalType: array, physicalType: "text[]"}
      - {name: numbers, logicalType: array, physicalType: "integer[]"}
      - {name: blob, logicalType: string, physicalType: bytea}
      - name: mood
        logicalType: string
        physicalType: text
        quality: [{metric: invalidValues, mustBe: 0, arguments: {validValues: [calm, glad]}}]
      - {name: level, logicalType: integer, physicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 10}}
      - {name: share, logicalType: number, physicalType: numeric, logicalTypeOptions: {minimum: 0, maximum: 1}}
  - name: words
    customProperties: [{property: loadMode, value: append}]
    properties:
      - {name: word, logicalType: string, physicalType: text, required: true, primaryKey: true, primaryKeyPosition: 1}
  - name: people
    customProperties: [{property: loadMode, value: append}]
    properties:
      - {name: id, logicalType: integer, physicalType: bigint, required: true, primaryKey: true, primaryKeyPosition: 1}
      - {name: name, logicalType: string, physicalType: text, required: true}
      - {name: share, logicalType: number, physicalType: numeric}
      - {name: email, logicalType: string, physicalType: text, classification: restricted}
"""
COLUMNS = ("id", "big", "whole", "small", "exact", "price", "ratio", "flag", "day", "at", "uid", "name", "code", "doc")
COLUMNS += ("tags", "numbers", "blob", "mood", "level", "share")


@dataclass(frozen=True)
class Refused:
    """The expectation that a row is quarantined by one of these rules; or, where both are right, kept as a text."""

    rules: tuple[str, ...]
    or_kept: str | None = None


def refused(*rules: str) -> Refused:
    return Refused(rules)


def kept_or_refused(text: str, *rules: str) -> Refused:
    """For what a reader may decline but must not change."""
    return Refused(rules or ("type",), text)


@dataclass(frozen=True)
class Quarantined:
    """One refused row as `ingest.quarantine` holds it."""

    outcome: str
    rule: str
    reason: str
    raw: bytes | None


@dataclass(frozen=True)
class Outcome:
    """What became of one file: its load, the stored rows by key, and the refused rows by line, all values as text."""

    load: Load
    rows: dict[str, dict[str, str | None]]
    quarantine: dict[int, Quarantined]


@dataclass(frozen=True)
class Fate:
    """What became of one record: the row it gave, or its refusal; the error, if loading it alone raised one."""

    row: dict[str, str | None] | None = None
    refusal: Quarantined | None = None
    failure: str | None = None
    error: BaseException | None = field(default=None, compare=False)


class Trial:
    """A landing zone whose loads leave nothing behind, so that many files can be tried on one database."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.connection = zone.connection

    def attempt(self, content: bytes, name: str, table: str = EVERYTHING) -> Outcome:
        """Load one file in a transaction that is rolled back."""
        path = self.zone.deliver(table, content, name)
        try:
            return self.attempt_path(path, table)
        finally:
            path.unlink()

    def attempt_path(self, path: Path, table: str = EVERYTHING) -> Outcome:
        system, name = table.split(".")
        (file,) = (file for file in find_files(self.zone.root, self.zone.systems, system, name) if file.path == path)
        with self.connection.transaction(force_rollback=True):
            (load,) = load_files(self.connection, self.zone.systems, [file])
            outcome = Outcome(load, self._rows(system, name), self._quarantine())
            self._holds_the_laws(outcome)
        return outcome

    def _rows(self, system: str, table: str) -> dict[str, dict[str, str | None]]:
        described = next(t for s in self.zone.systems if s.name == system for t in s.tables if t.name == table)
        names = [column.name for column in described.columns]
        texts = ", ".join(f'"{name}"::text' for name in names)
        rows = self.zone.fetch(f"select {texts} from raw_{system}.{table}")
        return {row[0]: dict(zip(names, row, strict=True)) for row in rows}

    def _quarantine(self) -> dict[int, Quarantined]:
        rows = self.zone.fetch("select line, outcome, rule, reason, raw from ingest.quarantine")
        assert len({line for line, *_ in rows}) == len(rows)
        return {line: Quarantined(*rest) for line, *rest in rows}

    def _holds_the_laws(self, outcome: Outcome) -> None:
        """What is true of every load, whatever was delivered."""
        load = outcome.load
        manifest = "select status, rows_read, rows_accepted, rows_duplicate, rows_conflict, rows_rejected, reason"
        assert self.zone.fetch(f"{manifest} from ingest.loads") == [(load.status, *counts(load), load.reason)]
        assert len(outcome.rows) == load.rows_accepted
        assert len(outcome.quarantine) == load.rows_conflict + load.rows_rejected
        for quarantined in outcome.quarantine.values():
            assert is_one_sentence(quarantined.reason)
        if load.status == "failed":
            assert counts(load) == (0, 0, 0, 0, 0)
            assert is_one_sentence(load.reason)
        else:
            assert load.reason is None

    def fates(self, records: Sequence[bytes], name: str, head: bytes = b"") -> list[Fate]:
        """What became of each record of one file; the first has key 1, the next key 2, and so on."""
        try:
            outcome = self.attempt(head + b"".join(records), name)
            if outcome.load.status == "loaded":
                return _by_record(outcome, records, head)
        except (Exception, pl.exceptions.PanicException):
            self.connection.rollback()
        # One record that stops the loading must not hide what becomes of the others.
        return [self._fate_alone(number, record, name, head) for number, record in enumerate(records, 1)]

    def _fate_alone(self, number: int, record: bytes, name: str, head: bytes) -> Fate:
        try:
            outcome = self.attempt(head + record, name)
        except (Exception, pl.exceptions.PanicException) as error:
            self.connection.rollback()
            return Fate(error=error)
        line = 1 + head.count(b"\n")
        return Fate(outcome.rows.get(str(number)), outcome.quarantine.get(line), outcome.load.reason)


def _by_record(outcome: Outcome, records: Sequence[bytes], head: bytes) -> list[Fate]:
    line = 1 + head.count(b"\n")
    found = []
    for number, record in enumerate(records, 1):
        found.append(Fate(outcome.rows.get(str(number)), outcome.quarantine.get(line)))
        line += record.count(b"\n")
    return found


def parquet(frame: pl.DataFrame, **options: Any) -> bytes:
    stream = BytesIO()
    frame.write_parquet(stream, **options)
    return stream.getvalue()


def is_one_sentence(reason: str | None) -> bool:
    return bool(reason) and "\n" not in str(reason) and "Traceback" not in str(reason) and len(str(reason)) < 400


def check(fate: Fate, column: str, expected: str | Refused | None, raw: bytes | None = None) -> None:
    """The record was kept with exactly this value and nothing else, or is quarantined by this rule as delivered."""
    if fate.error:
        raise fate.error
    assert fate.failure is None, f"the file failed: {fate.failure}"
    if isinstance(expected, Refused) and (fate.row is None or expected.or_kept is None):
        assert fate.row is None, f"kept as {fate.row[column]!r}"
        assert fate.refusal is not None, "neither kept nor refused"
        assert fate.refusal.rule in expected.rules, f"refused as {fate.refusal.rule}: {fate.refusal.reason}"
        assert raw in (None, fate.refusal.raw), f"quarantined as {fate.refusal.raw!r}"
        return
    wanted = expected.or_kept if isinstance(expected, Refused) else expected
    assert fate.refusal is None, f"refused: {fate.refusal.reason}"
    assert fate.row is not None, "neither kept nor refused"
    assert fate.row[column] == wanted
    assert {name for name, value in fate.row.items() if value is not None} <= {"id", column}


TYPE, LENGTH, CHARACTER = refused("type"), refused("length"), refused("character")
ENUM, BOUNDS = refused("enum"), refused("bounds")
UID = "550e8400-e29b-41d4-a716-446655440000"
DEEP_100 = "[" * 100 + "]" * 100
DEEP_100_000 = "[" * 100_000 + "]" * 100_000

# Column, the text delivered, the text Postgres shows for it; ids are made of the first two.
SPELLINGS: list[tuple[str, str, str | Refused | None]] = [
    # Whole numbers: every digit, no other spelling, every width.
    *(("big", text, text) for text in ("12", "0", "-7", "9007199254740993", str(2**63 - 1), str(-(2**63)))),
    ("big", "007", "7"),
    ("big", "-0", "0"),
    *(("big", text, TYPE) for text in (str(2**63), str(-(2**63) - 1), "1" + "0" * 30, "9" * 5000)),
    *(("big", text, TYPE) for text in ("1.0", "1e3", "9007199254740993.0", "1.5", "1,000", "1_000", "0x1F", "+1")),
    *(("big", text, TYPE) for text in ("", " ", " 12", "12 ", "12\n", "\t12", "1 2", "--1", "-", "٣")),
    *(("big", text, TYPE) for text in ("\uff11\uff12", "NaN")),
    *(("big", text, TYPE) for text in ("Infinity", "null", "NULL", "\\N", "true", "five", "12\u00a0", "\ufeff12")),
    ("whole", str(2**31 - 1), str(2**31 - 1)),
    ("whole", str(-(2**31)), str(-(2**31))),
    *(("whole", text, TYPE) for text in (str(2**31), str(-(2**31) - 1), str(2**64), "1.0")),
    ("small", "32767", "32767"),
    ("small", "-32768", "-32768"),
    *(("small", text, TYPE) for text in ("32768", "-32769", "65537", str(2**64 + 1))),
    ("level", "0", "0"),
    ("level", "10", "10"),
    *(("level", text, BOUNDS) for text in ("11", "-1", "2147483647")),
    *(("level", text, refused("bounds", "type")) for text in (str(2**31), "1" + "0" * 40, "-1" + "0" * 40)),
    # Decimals: every digit, or none of it.
    *(("exact", text, text) for text in ("0.1", "1.10", "-0.5", "123456789012345678901234567890.123456789012345")),
    ("exact", "1e5", "100000"),
    ("exact", "-1E-3", "-0.001"),
    ("exact", "1e400", "1" + "0" * 400),
    ("exact", "1e-400", "0." + "0" * 399 + "1"),
    ("exact", "9" * 5000, "9" * 5000),
    ("exact", "-0", "0"),
    *(("exact", text, TYPE) for text in ("NaN", "Infinity", "-Infinity", "inf", "1e131072", "1e-16384", "1e99999999")),
    *(("exact", text, TYPE) for text in ("1e1000000000000", "0." + "0" * 16383 + "1", ".5", "1.", "+1", "1,5", "1_0")),
    *(("exact", text, TYPE) for text in ("", " 1", "1 ", "1\n", "0x10", "1e", "e5", "1.2.3", "$1", "1d", "½")),
    ("price", "999.99", "999.99"),
    ("price", "-999.99", "-999.99"),
    ("price", "7", "7.00"),
    ("price", "1.230", "1.23"),
    ("price", "1.2300000000000000000000000000000000000000", "1.23"),
    ("price", "1e2", kept_or_refused("100.00")),
    *(("price", text, TYPE) for text in ("1000", "1000.00", "-1000", "1.239")),
    *(("price", text, TYPE) for text in ("999.995", "0.001", "1e3", "1e-3", "NaN")),
    ("share", "0", "0"),
    ("share", "1", "1"),
    ("share", "0.30000000000000000000000000000000000000000000001", "0.30000000000000000000000000000000000000000000001"),
    ("share", "1e0", "1"),
    *(("share", text, BOUNDS) for text in ("-0.4", "1.4", "1.0000000000000000000000000000000000000000000001")),
    *(("share", text, BOUNDS) for text in ("-1e-400", "1e1", "1e400", "-1" + "0" * 50, "2")),
    *(("ratio", text, text) for text in ("0.1", "0.30000000000000004", "5e-324", "1.7976931348623157e+308", "-0")),
    ("ratio", "1E5", "100000"),
    *(("ratio", text, TYPE) for text in ("1e309", "-1e400", "1e-400", "NaN")),
    *(("ratio", text, TYPE) for text in ("Infinity", "inf", "nan", "", " 1", "0x1p3")),
    # Truth has two spellings and a short form of each, as Postgres writes them.
    *(("flag", text, stored) for text, stored in (("true", "true"), ("false", "false"), ("t", "true"), ("f", "false"))),
    *(("flag", text, TYPE) for text in ("yes", "no", "1", "0", "TRUE", "True")),
    *(("flag", text, TYPE) for text in ("T", "on", "off", "y", "", " true", "tr")),
    # Days.
    *(("day", text, text) for text in ("2026-05-31", "2024-02-29", "1969-12-31", "0001-01-01", "9999-12-31")),
    *(("day", text, TYPE) for text in ("2025-02-29", "2026-02-30", "1900-02-29")),
    *(("day", text, TYPE) for text in ("2026-13-01", "2026-00-01", "2026-01-00")),
    *(("day", text, TYPE) for text in ("0000-01-01", "10000-01-01", "-0001-01-01")),
    *(("day", text, TYPE) for text in ("2026-5-1", "20260531", "31.05.2026")),
    *(("day", text, TYPE) for text in ("05/31/2026", "2026-05-31T00:00:00Z", "infinity", "-infinity", "now", "today")),
    *(("day", text, TYPE) for text in ("epoch", "tomorrow", "20604", "", "2026-05-31 ", "2026-05-31 BC", "2026-W22-7")),
    # Instants: a zone always, to the microsecond, no word and no rounding.
    ("at", "2026-05-31T23:59:59.999999Z", "2026-05-31 23:59:59.999999+00"),
    ("at", "2026-05-31 23:59:59+00:00", "2026-05-31 23:59:59+00"),
    ("at", "2026-05-31T23:59Z", "2026-05-31 23:59:00+00"),
    ("at", "2026-05-31T12:00:00+02", "2026-05-31 10:00:00+00"),
    ("at", "2026-05-31T12:00:00+0530", "2026-05-31 06:30:00+00"),
    ("at", "2026-05-31T12:00:00-03:30", "2026-05-31 15:30:00+00"),
    ("at", "2026-05-31T12:00:00-00:00", "2026-05-31 12:00:00+00"),
    ("at", "2026-05-31T12:00:00+14:00", "2026-05-30 22:00:00+00"),
    ("at", "2026-05-31T12:00:00-14:00", "2026-06-01 02:00:00+00"),
    ("at", "2026-03-29T02:30:00+01:00", "2026-03-29 01:30:00+00"),
    ("at", "2026-10-25T02:30:00+02:00", "2026-10-25 00:30:00+00"),
    ("at", "2026-10-25T02:30:00+01:00", "2026-10-25 01:30:00+00"),
    ("at", "2026-05-31T23:59:59.1Z", "2026-05-31 23:59:59.1+00"),
    ("at", "2026-05-31T23:59:59.123456000Z", "2026-05-31 23:59:59.123456+00"),
    ("at", "1969-12-31T23:59:59.999999Z", "1969-12-31 23:59:59.999999+00"),
    ("at", "1900-01-01T00:00:00Z", "1900-01-01 00:00:00+00"),
    ("at", "0001-01-01T00:00:00Z", "0001-01-01 00:00:00+00"),
    ("at", "9999-12-31T23:59:59.999999Z", "9999-12-31 23:59:59.999999+00"),
    ("at", "2024-02-29T12:00:00Z", "2024-02-29 12:00:00+00"),
    ("at", "0001-01-01T00:00:00+14:00", kept_or_refused("0001-12-31 10:00:00+00 BC")),
    ("at", "9999-12-31T23:59:59-14:00", kept_or_refused("10000-01-01 13:59:59+00")),
    # The same instant by ISO 8601; a leap second is another instant than the second after it.
    ("at", "2026-05-31T24:00:00Z", kept_or_refused("2026-06-01 00:00:00+00")),
    *(("at", f"2016-12-31T23:59:60{rest}", TYPE) for rest in ("Z", ".0Z", ".5Z", "+00:00")),
    *(("at", f"2026-05-31T23:59:59.{digits}Z", TYPE) for digits in ("1234567", "9999999", "0000001", "123456789", "")),
    *(("at", f"2026-05-31T{time}Z", TYPE) for time in ("24:00:01", "24:01", "25:00:00")),
    *(("at", f"2026-05-31T{time}Z", TYPE) for time in ("23:60:00", "23:59:61", "23", "")),
    *(("at", f"2026-05-31T12:00:00{zone}", TYPE) for zone in ("", "+16:00", "-99:99", "+02:60", "+2", "+02:00:30")),
    *(("at", f"2026-05-31T12:00:00{zone}", TYPE) for zone in (" Europe/Berlin", "[UTC]")),
    *(("at", f"2026-05-31T12:00:00{zone}", TYPE) for zone in ("CET", "z", "ZZ", "Z ", "Z\n")),
    *(("at", text, TYPE) for text in ("2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z")),
    *(("at", text, TYPE) for text in ("0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "2026-05-31 12:00:00")),
    *(("at", text, TYPE) for text in ("2026-05-31t12:00:00Z", "2026-05-31")),
    *(("at", text, TYPE) for text in ("20260531T120000Z", "2026-05-31T12:00:00,5Z")),
    *(("at", text, TYPE) for text in ("infinity", "-infinity", "now", "today", "epoch", "yesterday", "allballs", "")),
    *(("at", text, TYPE) for text in ("1780000000", "1780000000000", "1780000000.5", "2026-05-31T12:00:00Z BC")),
    *(("at", text, TYPE) for text in ("J2461192", "2026-151T00:00:00Z", " 2026-05-31T12:00:00Z", "31 May 2026 12:00Z")),
    # Keys.
    ("uid", UID, UID),
    ("uid", UID.upper(), UID),
    ("uid", UID.replace("-", ""), UID),
    *(("uid", text, TYPE) for text in ("{" + UID + "}", "urn:uuid:" + UID, UID[:-1], UID + "0", UID[:-1] + "g")),
    *(("uid", text, TYPE) for text in ("", "5", UID + " ", UID + "\n", "550e-8400-" + UID[9:], UID.replace("-", "_"))),
    # Text is what was delivered, whatever it looks like.
    *(("name", text, text) for text in ("", " ", "  padded  ", "null", "NULL")),
    *(("name", text, text) for text in ("\\N", "\\.", "\\", "\\\\", "\\n", "''")),
    *(("name", text, text) for text in ('"', '""', '"a"', 'a"b', "a,b", "a;b")),
    *(("name", text, text) for text in ("'", "`", "--", "a\nb", "a\r\nb", "a\rb")),
    *(("name", text, text) for text in ("\n", "\r\n", "\r", "a\n\\.\nb", "\\.\n")),
    *(("name", text, text) for text in ("\n\\.", '":', '":"', '{"a":1}', "[1]")),
    *(("name", text, text) for text in ("a\u2028b", "a\u2029b", "a\x85b")),
    *(("name", text, text) for text in ("a\x0bb\x0cc", "a\x1cb\x1ed", "\t", "\x7f\x01")),
    *(("name", text, text) for text in ("\ufeff", "a\ufeffb", "é", "e\u0301", "😀")),
    *(("name", text, text) for text in ("\U0010ffff", "\ufffd", "\uffff", "中文")),
    *(("name", text, text) for text in ("0012", "1.0", "1e400", "true", "NaN", "2026-02-30", "\u202eabc", "\u200b")),
    ("name", "x" * 1_000_000, "x" * 1_000_000),
    ("name", "é\n\"," * 200_000, "é\n\"," * 200_000),
    ("name", DEEP_100_000, DEEP_100_000),
    ("name", "a\0b", CHARACTER),
    ("name", "\0", CHARACTER),
    *(("code", text, text) for text in ("", "abcde", "ééééé", "😀😀😀😀😀", "     ", "a\nb,\"")),
    *(("code", text, LENGTH) for text in ("abcdef", "éééééé", "😀😀😀😀😀😀", "abcde ")),
    *(("code", text, LENGTH) for text in ("      ", "abcde\n", "x" * 100_000)),
    ("code", "a\0b", CHARACTER),
    *(("mood", text, text) for text in ("calm", "glad")),
    *(("mood", text, ENUM) for text in ("Calm", "calm ", " calm", "", "cal")),
    *(("mood", text, ENUM) for text in ("calmglad", "calm,glad", "calm\n", "\uff43alm")),
    ("mood", "calm\0", refused("enum", "character")),
    # Bytes are spelt in hexadecimal; any other text would be taken for its own bytes, base64 too.
    ("blob", "\\x00ff61", "\\x00ff61"),
    ("blob", "\\x", "\\x"),
    ("blob", "\\xABCD", "\\xabcd"),
    ("blob", "", kept_or_refused("\\x")),
    *(("blob", text, TYPE) for text in ("abc", "YWJj", "6162", "\\101", "\\xzz", "\\x0", "0x61", "é")),
    ("blob", "\\x61\0", refused("type", "character")),
]  # fmt: skip
# JSON documents as text: what a string holds in CSV and parquet, and what stands in the line itself in ndjson.
DOCUMENTS: list[tuple[str, str, str | Refused | None]] = [
    *(("doc", text, text) for text in ("{}", "[]", "true", "0", "-5", '""', '"text"', "1.10", '{"a": [1, null]}')),
    *(("doc", text, text) for text in ("9007199254740993", str(2**63 - 1), str(2**64 + 1), "9" * 5000)),
    ("doc", "0.3000000000000000000000000000000000001", "0.3000000000000000000000000000000000001"),
    ("doc", "1e400", "1" + "0" * 400),
    ("doc", "[1e-400]", "[0." + "0" * 399 + "1]"),
    ("doc", "-0", "0"),
    ("doc", '{"a":1,"a":2}', '{"a": 2}'),
    ("doc", '{"a":{"b":1,"b":{}}}', '{"a": {"b": {}}}'),
    ("doc", '{"\\u0061":1}', '{"a": 1}'),
    ("doc", '{"id":7,"_line":8}', '{"id": 7, "_line": 8}'),
    ("doc", '{"a":"\\u2028\\ud83d\\ude00\\n\\"\\\\"}', '{"a": "\u2028😀\\n\\"\\\\"}'),
    ("doc", '"a\\\\u0000b"', '"a\\\\u0000b"'),
    ("doc", '{"' + "x" * 1_000_000 + '":1}', '{"' + "x" * 1_000_000 + '": 1}'),
    ("doc", DEEP_100, DEEP_100),
    *(("doc", text, TYPE) for text in ("1e131072", "[1e-16384]", "[1e1000000000000]")),
    *(("doc", text, refused("type", "character")) for text in ('"\\u0000"', '{"a":"b\\u0000c"}', '{"a\\u0000":1}')),
    *(
        ("doc", text, refused("type", "json"))
        for text in ('["\\ud800"]', '"\\udc00\\ud800"', '{"\\ud800":1}', '"\\ud83dx"')
    ),
]
# What is no JSON at all; in ndjson it spoils the line.
BROKEN_DOCUMENTS = ["{", "[1,]", "{'a':1}", '{"a":1} x', "nope", "NaN", "[NaN]", "-Infinity", "01", "1.", "+1", ".5"]
BROKEN_DOCUMENTS += ["", " ", '"a\tb"', '"a\nb"', "'a'", "// a", "[1 2]", '{"a"}', '{"a":}', "{1:2}", "True", "0x10"]
BROKEN_DOCUMENTS += ['"\\x"', '"', "1 2", "{}{}", "\ufeff{}", "undefined", '{"a":1,}', "/* a */ 1", '"\\u12"']
# Arrays as Postgres spells them: what a string holds.
ARRAYS: list[tuple[str, str, str | Refused | None]] = [
    *(("tags", text, text) for text in ("{}", "{a,b}", "{NULL}", '{"NULL",NULL}')),
    *(("tags", text, text) for text in ('{"","a b","a,b","\\"","\\\\"}', "{é}")),
    *(("numbers", text, text) for text in ("{}", "{1,-2}", "{NULL,1}", "{2147483647}")),
    *(("tags", text, TYPE) for text in ("", "a", "a,b", "{a", "a}", "{a,b}}")),
    *(("tags", text, TYPE) for text in ('["a"]', '{"a}', "{a}x", "{,}", "{{a},{b,c}}")),
    *(("numbers", text, TYPE) for text in ("{1.0}", "{1e3}", "{2147483648}", "{a}")),
    *(("numbers", text, TYPE) for text in ("{1,}", "[1]", "1", '{""}', "{true}")),
    ("tags", "{{a,b},{c,d}}", kept_or_refused("{{a,b},{c,d}}")),
    ("tags", "[0:1]={a,b}", kept_or_refused("[0:1]={a,b}")),
    ("numbers", "{007,+1}", kept_or_refused("{7,1}")),
    ("numbers", "{1_000}", kept_or_refused("{1000}")),
    *(("tags", text, refused("type", "character")) for text in ("{a\0b}", "\0")),
    ("numbers", "{1\0}", refused("type", "character")),
]  # fmt: skip


def label(case: tuple[Any, ...]) -> str:
    """The name of a case: its column and as much of the value as can be read."""
    column, given = case[0], str(case[1])
    shown = given.encode("unicode_escape").decode() if len(given) <= 40 else f"{given[:20]!a} and so on"
    return f"{column}: {shown}".encode("ascii", "backslashreplace").decode()
