"""Good files with bytes changed at random: what is kept is what an independent reader finds, and every row is counted.

The same mutations come every time, so that a failure can be repeated; more examples find more.
"""

import csv
import gzip
import json
import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import polars as pl
import psycopg
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.everything import COLUMNS, UID, Outcome, Trial, parquet

Fields = dict[str, Any]
BOM = b"\xef\xbb\xbf"
LINES = [
    b'{"id": 1, "big": 9007199254740993, "whole": -7, "small": 32767, "exact": 123456789.01234567890, "name": "a,b"}',
    b'{"id": 2, "price": 999.90, "ratio": 0.5, "flag": true, "day": "2024-02-29", "uid": "%b", "level": 10}',
    b'{"id": 3, "at": "2026-05-31T23:59:59.999999+02:00", "name": "quote \\" and \\\\ and\\nnewline", "mood": "calm"}',
    b'{"id": 4, "doc": {"id": 1, "list": [1, 2.50, null, true, "x,y"], "id": "\\u00e9"}, "flag": false}',
    b'{"id":5,"tags":["a",null,"b c","q\\"","NULL"],"numbers":[1,-2,null],"blob":"\\\\x00ff"}',
    b'{"id":6,"name":"","code":"\xc3\xa9\xf0\x9f\x98\x80","share":0.25,"at":"1969-12-31 00:00:00Z","exact":1e3}',
    b'{"id":7,"big":"12","name":"null","doc":"text","tags":[],"numbers":[]}',
    b'{"id":8,"name":"' + b"x" * 50 + b'","whole":null,"doc":[],"exact":0}',
]
LINES[1] %= UID.encode()
NDJSON = b"".join(line + b"\n" for line in LINES)
HEADER = ",".join(COLUMNS).encode() + b"\n"
RECORDS = [
    b'1,9007199254740993,-7,32767,123456789.01234567890,,,,,,,"a,b",,,,,,,,\n',
    b"2,,,,,999.90,0.5,true,2024-02-29,,%b,,,,,,,,10,\n",
    b'"3",,,,,,,,,2026-05-31T23:59:59.999999+02:00,,"quote "" and \\ and\nnewline",,,,,,calm,,\n',
    b'4,,,,,,,f,,,,,,"{""id"": 1, ""list"": [1, 2.50, null, true, ""x,y""]}",,,,,,\r\n',
    b'5,,,,,,,,,,,,,,"{a,NULL,""b c"",""NULL""}","{1,-2,NULL}",\\x00ff,,,\n',
    b'6,,,,1e3,,,,,1969-12-31 00:00:00Z,,"",\xc3\xa9\xf0\x9f\x98\x80,,,,,,,0.25\n',
    b'7,"12",,,,,,,,,,null,"""",null,{},{},,,,\n',
    b"8,,,,0,,,,,,," + b"x" * 50 + b",,[],,,,,,\n",
]
RECORDS[1] %= UID.encode()
CSV = HEADER + b"".join(RECORDS)
ODD = [
    b'"',
    b'""',
    b"\\",
    b",",
    b"\n",
    b"\r",
    b"\r\n",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b" ",
    b"\t",
    b"0",
    b"1",
    b"-",
    b".",
]
ODD += [
    b"e5",
    b"null",
    b"\0",
    b"\xff",
    b"\xc3",
    BOM,
    b"\\u0000",
    b"\\ud800",
    b"\\u00e9",
    b'"id":1,',
    b'"name" :',
    b"\\.\n",
]
ODD += [b'  :1,"id":2', b",,", b'","', b"NaN", b"1.0", b"T", b"z", b"\xe2\x80\xa8"]


def mutated(whole: bytes) -> st.SearchStrategy[bytes]:
    """The file after a few edits: bytes put in, left out, changed, or brought from elsewhere in it."""
    place = st.integers(0, len(whole))
    piece = st.tuples(place, st.integers(1, 60)).map(lambda cut: whole[cut[0] : sum(cut)])
    put = st.sampled_from(ODD) | st.binary(min_size=1, max_size=3) | piece | st.just(b"")
    edits = st.lists(st.tuples(place, st.sampled_from([0, 0, 1, 1, 2, 30]), put), min_size=1, max_size=4)

    def apply(edits: Sequence[tuple[int, int, bytes]]) -> bytes:
        content = whole
        for place, gone, put in edits:
            content = content[:place] + put + content[place + gone :]
        return content

    return edits.map(apply)


def examples(count: int) -> Callable[[Any], Any]:
    return settings(max_examples=count, deadline=None, derandomize=True)


def check(
    trial: Trial, outcome: Outcome, records: dict[int, tuple[bytes, Fields | None]], untouched: set[bytes]
) -> None:
    """Every record is kept as the reader reads it, is the duplicate of one, or is quarantined as delivered."""
    assert outcome.load.status == "loaded"
    assert outcome.load.rows_read == len(records)
    kept = set()
    for line, (raw, fields) in records.items():
        if line in outcome.quarantine:
            refusal = outcome.quarantine[line]
            assert refusal.raw == raw
            # A row that nobody changed is refused only where a changed one took its key.
            assert raw not in untouched or refusal.outcome == "conflict", refusal
            continue
        assert fields is not None, f"kept, and is no row: {raw!r}"
        key = str(int(str(fields["id"])))
        kept.add(key)
        for column in COLUMNS:
            delivered, stored = fields.get(column), outcome.rows[key][column]
            assert is_same(trial, column, delivered, stored), f"{column} is {stored!r}, delivered as {delivered!r}"
    assert kept == set(outcome.rows)
    assert set(outcome.quarantine) <= set(records)


def is_same(trial: Trial, column: str, delivered: Any, stored: str | None) -> bool:
    """Whether the database shows what was delivered: a text, a Decimal, a truth, a list; a document in a list."""
    if delivered is None or stored is None:
        return delivered is None and stored is None
    text = str(delivered)
    match column:
        case "id" | "big" | "whole" | "small" | "level":
            return re.fullmatch("-?[0-9]+", text) is not None and int(text) == int(stored)
        case "exact" | "price" | "share":
            return Decimal(text) == Decimal(stored)
        case "ratio":
            return float(text) == float(stored)
        case "doc":
            return bool(document(stored) == delivered[0])
        case "at":
            digits = re.search(r"\.([0-9]+)", text)
            return (not digits or len(digits[1].rstrip("0")) <= 6) and spelt(trial, "timestamptz", text) == stored
        case "tags" | "numbers":
            return spelt(trial, "text[]" if column == "tags" else "integer[]", delivered) == stored
    return stored in SPELLINGS.get(column, lambda text: {text})(text)


# Columns whose text may show otherwise than it was delivered.
SPELLINGS: dict[str, Callable[[str], set[str]]] = {
    "flag": lambda text: {{"t": "true", "f": "false"}.get(text.lower(), text.lower())},
    "uid": lambda text: {str(UUID(text))},
    "blob": lambda text: {text.lower()},
}


def spelt(trial: Trial, kind: str, value: Any) -> str | None:
    """How Postgres itself shows a value; None where it refuses it."""
    if isinstance(value, list):
        value = [element if element is None or isinstance(element, list) else str(element) for element in value]
    try:
        with trial.connection.transaction():
            ((text,),) = trial.connection.execute(f"select %s::{kind}::text", (value,)).fetchall()
            return str(text)
    except (psycopg.Error, UnicodeEncodeError):
        return None


def document(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=refuse)


# --- ndjson ---------------------------------------------------------------------------------------------------------


def json_records(content: bytes) -> dict[int, tuple[bytes, Fields | None]]:
    """The lines that are not blank, by number, each with its fields if it is one object of known columns."""
    found = {}
    for number, raw in enumerate(lines_of(content), 1):
        line = raw.removeprefix(BOM) if number == 1 else raw
        if line.strip():
            found[number] = raw, json_fields(line)
    return found


def lines_of(content: bytes) -> Iterator[bytes]:
    yield from re.findall(rb"[^\n]*\n|[^\n]+", content)


def json_fields(line: bytes) -> Fields | None:
    outermost: list[tuple[str, Any]] = []

    def keep(pairs: list[tuple[str, Any]]) -> Fields:
        outermost[:] = pairs
        return dict(pairs)

    try:
        document(line.decode())
        fields = json.loads(line, object_pairs_hook=keep, parse_float=Decimal, parse_int=Decimal)
    except ValueError:
        return None
    if not isinstance(fields, dict) or len(fields) < len(outermost) or not fields.keys() <= set(COLUMNS):
        return None
    return fields | {"doc": None if fields.get("doc") is None else [fields["doc"]]}


@examples(250)
@given(content=mutated(NDJSON))
def test_lines_of_a_mutated_file_are_kept_exactly_or_quarantined(trial: Trial, content: bytes) -> None:
    outcome = trial.attempt(content, "mutated.ndjson")

    check(trial, outcome, json_records(content), {line + b"\n" for line in LINES})


# --- csv ------------------------------------------------------------------------------------------------------------


def csv_records(content: bytes) -> Iterator[tuple[int, bytes, list[str | None] | None]]:
    """Line, bytes and fields of every record, the header first; no fields for what is not CSV or not UTF-8."""
    taken: list[bytes] = []

    def lines() -> Iterator[str]:
        for number, raw in enumerate(lines_of(content), 1):
            taken.append(raw)
            yield (raw.removeprefix(BOM) if number == 1 else raw).decode(errors="surrogateescape")

    reader = csv.reader(lines(), strict=True)
    line = 1
    while True:
        taken.clear()
        fields: list[str] | None = None
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            pass
        raw = b"".join(taken)
        if fields != []:
            yield line, raw, with_nulls(raw, fields)
        line += len(taken)


def with_nulls(raw: bytes, fields: list[str] | None) -> list[str | None] | None:
    """The fields, null where nothing stands, not even quotation marks."""
    try:
        text = raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        return None
    if fields is None:
        return None
    place, found = 0, []
    for value in fields:
        is_quoted = text.startswith('"', place)
        found.append(value if value or is_quoted else None)
        width = len(value) + value.count('"') + 2 if is_quoted else len(value)
        place += width + 1
    return found


@examples(250)
@given(content=mutated(CSV))
def test_records_of_a_mutated_file_are_kept_exactly_or_quarantined(trial: Trial, content: bytes) -> None:
    outcome = trial.attempt(content, "mutated.csv")
    (_, header, names), *records = csv_records(content) or [(1, b"", None)]

    is_known = names is not None and set(names) <= set(COLUMNS) and len(set(names)) == len(names)
    if outcome.load.status == "failed":
        assert not is_known
        return
    rows = {line: (raw, csv_fields(names, fields) if is_known else None) for line, raw, fields in records}
    check(trial, outcome, rows, set(RECORDS) if header == HEADER else set())


def csv_fields(names: list[str | None] | None, fields: list[str | None] | None) -> Fields | None:
    if names is None or fields is None or len(fields) != len(names):
        return None
    found: Fields = dict(zip(map(str, names), fields, strict=True))
    try:
        return found | {"doc": None if found.get("doc") is None else [document(found["doc"])]}
    except ValueError:
        return None


# --- streams and parquet --------------------------------------------------------------------------------------------

STREAMS = {"gz": gzip.compress(NDJSON, mtime=0)}
STREAMS["zst"] = zstd.compress(NDJSON, options={zstd.CompressionParameter.checksum_flag: 1})


MUTATED_STREAMS = [st.tuples(st.just(kind), mutated(stream)) for kind, stream in STREAMS.items()]


@examples(100)
@given(case=st.one_of(*MUTATED_STREAMS))
def test_a_mutated_stream_gives_all_of_its_rows_or_none(trial: Trial, case: tuple[str, bytes]) -> None:
    kind, content = case
    outcome = trial.attempt(content, f"mutated.ndjson.{kind}")

    if outcome.load.status == "loaded":
        check(trial, outcome, json_records(NDJSON), {line + b"\n" for line in LINES})


FRAME = pl.DataFrame(
    {"id": range(1, 9), "big": [2**62 + n for n in range(8)], "name": ["a", None, "", "é", "x" * 40, "b", "c", "d"]}
)
PARQUETS = [parquet(FRAME, compression=compression, row_group_size=4) for compression in ("uncompressed", "zstd")]


@examples(150)
@given(content=st.one_of(*map(mutated, PARQUETS)))
def test_a_mutated_parquet_file_is_refused_or_every_row_of_it_counted(trial: Trial, content: bytes) -> None:
    # Parquet need not carry checksums, so a changed value may be as good as any; `attempt` checks the counts.
    outcome = trial.attempt(content, "mutated.parquet")

    assert outcome.load.status == "failed" or outcome.load.rows_read <= FRAME.height * 2
