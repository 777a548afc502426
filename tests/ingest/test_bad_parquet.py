"""Parquet as it should not be: columns of other types, files that are damaged, values that no text can say."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tests.ingest.everything import (
    ARRAYS,
    BROKEN_DOCUMENTS,
    COLUMNS,
    DEEP_100_000,
    DOCUMENTS,
    SPELLINGS,
    TYPE,
    UID,
    Fate,
    Outcome,
    Refused,
    Trial,
    check,
    kept_or_refused,
    label,
    parquet,
    refused,
)
from tests.ingest.zone import counts

Expected = str | Refused | None
NOON = datetime(2026, 5, 31, 12, tzinfo=UTC)
INSTANT = "2026-05-31 12:00:00+00"
BOUNDS = refused("bounds")


def deliver(trial: Trial, column: str, values: pl.Series) -> Outcome:
    """A file of keys from 1 and one other column."""
    keys = pl.Series("id", range(1, len(values) + 1), pl.Int64)
    return trial.attempt(parquet(pl.DataFrame([keys, values.alias(column)])), "a.parquet")


SPELT = [*SPELLINGS, *ARRAYS, *DOCUMENTS, *(("doc", text, TYPE) for text in BROKEN_DOCUMENTS)]
SPELT += [("doc", DEEP_100_000, refused("type", "json")), ("doc", "null", kept_or_refused("null"))]


@pytest.fixture(scope="module")
def spelt_fates(trial: Trial) -> list[Fate]:
    """What becomes of text in a file whose every column but the key is text."""
    try:
        return together(trial)
    except (Exception, pl.exceptions.PanicException):
        trial.connection.rollback()
    return [alone(trial, column, text) for column, text, _ in SPELT]


def together(trial: Trial) -> list[Fate]:
    rows = [{"id": number, column: text} for number, (column, text, _) in enumerate(SPELT, 1)]
    schema = {name: pl.Int64 if name == "id" else pl.String for name in COLUMNS}
    outcome = trial.attempt(parquet(pl.DataFrame(rows, schema)), "a.parquet")
    assert outcome.load.status == "loaded"
    return [Fate(outcome.rows.get(str(n)), outcome.quarantine.get(n)) for n in range(1, len(SPELT) + 1)]


def alone(trial: Trial, column: str, text: str) -> Fate:
    try:
        outcome = deliver(trial, column, pl.Series([text], dtype=pl.String))
    except (Exception, pl.exceptions.PanicException) as error:
        trial.connection.rollback()
        return Fate(error=error)
    return Fate(outcome.rows.get("1"), outcome.quarantine.get(1), outcome.load.reason)


@pytest.mark.parametrize("place", range(len(SPELT)), ids=[label(case) for case in SPELT])
def test_a_text_is_kept_exactly_or_its_row_is_quarantined(spelt_fates: list[Fate], place: int) -> None:
    column, text, expected = SPELT[place]
    fate = spelt_fates[place]

    check(fate, column, expected)
    if fate.refusal:
        assert json.loads(fate.refusal.raw or b"")[column] == text


def test_no_text_stops_the_file_it_stands_in(trial: Trial) -> None:
    assert len(together(trial)) == len(SPELT)


def series(kind: Any, *values: Any) -> pl.Series:
    return pl.Series(values=values, dtype=kind)


def physical(kind: Any, *values: int) -> pl.Series:
    """Days or instants by their number, so that none is out of Python's reach."""
    return pl.Series(values, dtype=pl.Int32 if kind == pl.Date else pl.Int64).cast(kind)


INTEGERS = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.Int128)
US, MS, NS = (pl.Datetime(unit, "UTC") for unit in ("us", "ms", "ns"))  # type: ignore[arg-type]
BERLIN = pl.Datetime("us", "Europe/Berlin")
NAN, INF = float("nan"), float("inf")
SCALARS = ("big", "whole", "small", "exact", "price", "ratio", "flag", "day", "at", "level", "share")
# Column, the series delivered, what Postgres shows for each of its values.
CASES: list[tuple[str, pl.Series, Sequence[Expected]]] = [
    # Every integer that fits, by its digits; a float holds none, even if its fraction is zero.
    *(("big", series(kind, 0, 7, None), ("0", "7", None)) for kind in INTEGERS),
    *((column, series(kind, 7), ("7",)) for kind in INTEGERS for column in ("whole", "small", "level")),
    ("big", series(pl.Int64, 2**63 - 1, -(2**63), 2**53 + 1), (str(2**63 - 1), str(-(2**63)), str(2**53 + 1))),
    ("big", series(pl.UInt64, 2**63 - 1, 2**63, 2**64 - 1), (str(2**63 - 1), TYPE, TYPE)),
    ("big", series(pl.Int128, 2**63 - 1, 2**63, -(2**63) - 1, 10**30), (str(2**63 - 1), TYPE, TYPE, TYPE)),
    ("whole", series(pl.Int64, 2**31 - 1, 2**31, -(2**31) - 1, 2**32), (str(2**31 - 1), TYPE, TYPE, TYPE)),
    ("whole", series(pl.UInt32, 2**31, 2**32 - 1), (TYPE, TYPE)),
    ("small", series(pl.Int32, 32767, 32768, -32769, 65536), ("32767", TYPE, TYPE, TYPE)),
    ("small", series(pl.UInt16, 32768, 65535), (TYPE, TYPE)),
    ("level", series(pl.Int64, 0, 10, 11, -1, 2**31), ("0", "10", BOUNDS, BOUNDS, refused("bounds", "type"))),
    *((column, series(pl.Float64, 5.0, 0.5, NAN, INF, None), (TYPE, TYPE, TYPE, TYPE, None)) for column in SCALARS[:3]),
    ("big", series(pl.Float64, 2.0**53, 1e19, -0.0), (TYPE, TYPE, TYPE)),
    ("big", series(pl.Float32, 5.0), (TYPE,)),
    ("big", series(pl.Decimal(20, 0), Decimal(5), Decimal(-(10**19))), ("5", TYPE)),
    ("big", series(pl.Decimal(20, 2), Decimal("5.00"), Decimal("5.01")), (TYPE, TYPE)),
    ("big", series(pl.Categorical, "12", "x", None), ("12", TYPE, None)),
    # Decimals.
    ("exact", series(pl.Decimal(38, 10), Decimal("1.1"), Decimal(10) ** 27),
     ("1.1000000000", f"1{'0' * 27}.{'0' * 10}")),
    ("exact", series(pl.Int64, 2**63 - 1), (str(2**63 - 1),)),
    ("exact", series(pl.UInt64, 2**64 - 1), (str(2**64 - 1),)),
    ("exact", series(pl.Int128, 10**30), (str(10**30),)),
    ("exact", series(pl.Float64, 0.5, 0.1 + 0.2, 1e22, NAN, INF),
     ("0.5", "0.30000000000000004", f"1{'0' * 22}", TYPE, TYPE)),
    ("price", series(pl.Decimal(10, 2), Decimal("999.99"), Decimal("1000")), ("999.99", TYPE)),
    ("price", series(pl.Decimal(10, 3), Decimal("1.230"), Decimal("1.239")), ("1.23", TYPE)),
    ("price", series(pl.Float64, 1.5, 1.239, 1000.0), ("1.50", TYPE, TYPE)),
    ("price", series(pl.Int64, 7, 1000), ("7.00", TYPE)),
    ("share", series(pl.Decimal(10, 2), Decimal("0.4"), Decimal("-0.4"), Decimal("1.4")), ("0.40", BOUNDS, BOUNDS)),
    ("share", series(pl.Float64, 0.25, 1.4, -1e-300), ("0.25", BOUNDS, BOUNDS)),
    ("share", series(pl.Int64, 1, 2), ("1", BOUNDS)),
    ("ratio", series(pl.Float64, 0.1, 0.1 + 0.2, -0.0, 5e-324), ("0.1", "0.30000000000000004", "-0", "5e-324")),
    ("ratio", series(pl.Float64, 1.7976931348623157e308, 123456789.123456789),
     ("1.7976931348623157e+308", "123456789.12345679")),
    ("ratio", series(pl.Float64, NAN, INF, -INF, None), (TYPE, TYPE, TYPE, None)),
    ("ratio", series(pl.Float32, 0.5, NAN), ("0.5", TYPE)),
    ("ratio", series(pl.Int64, 3), ("3",)),
    # Truth.
    ("flag", series(pl.Boolean, True, False, None), ("true", "false", None)),
    ("flag", series(pl.Int8, 1, 0), (TYPE, TYPE)),
    ("flag", series(pl.Float64, 1.0), (TYPE,)),
    *((column, series(pl.Boolean, True, False), (TYPE, TYPE)) for column in SCALARS if column != "flag"),
    # Days and instants.
    ("day", series(pl.Date, date(2026, 5, 31), date(1, 1, 1), date(9999, 12, 31), None),
     ("2026-05-31", "0001-01-01", "9999-12-31", None)),
    ("day", physical(pl.Date, 2932897, -719163, -719529), (TYPE,) * 3),
    ("day", series(US, NOON, datetime(2026, 5, 31, tzinfo=UTC)), (TYPE, TYPE)),
    ("day", series(pl.Int32, 20604, 20260531), (TYPE, TYPE)),
    *(("at", series(kind, NOON, None), (INSTANT, None)) for kind in (US, MS, NS)),
    *(("at", series(pl.Datetime(unit), NOON.replace(tzinfo=None), None), (TYPE, None)) for unit in ("us", "ms", "ns")),
    ("at", series(US, NOON + timedelta(microseconds=1), datetime(1, 1, 1, tzinfo=UTC)),
     ("2026-05-31 12:00:00.000001+00", "0001-01-01 00:00:00+00")),
    ("at", series(US, datetime(1969, 12, 31, 23, 59, 59, 999999, UTC)), ("1969-12-31 23:59:59.999999+00",)),
    ("at", series(MS, datetime(1969, 12, 31, 23, 59, 59, 999000, UTC)), ("1969-12-31 23:59:59.999+00",)),
    ("at", series(US, datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)), ("9999-12-31 23:59:59.999999+00",)),
    ("at", physical(NS, 1_780_000_000_123_456_000, 1_780_000_000_123_456_789, 1, 0),
     ("2026-05-28 20:26:40.123456+00", TYPE, TYPE, "1970-01-01 00:00:00+00")),
    ("at", physical(NS, -1_000, -1, 2**63 - 1, -(2**63) + 1), ("1969-12-31 23:59:59.999999+00", TYPE, TYPE, TYPE)),
    ("at", physical(BERLIN, 1_774_746_000_000_000, 1_792_888_200_000_000, 1_792_891_800_000_000),
     
     ("2026-03-29 01:00:00+00", "2026-10-25 00:30:00+00", "2026-10-25 01:30:00+00")),
    ("at", physical(US, 253_402_300_800_000_000), (kept_or_refused("10000-01-01 00:00:00+00"),)),
    ("at", physical(US, -62_135_596_800_000_001), (kept_or_refused("0001-12-31 23:59:59.999999+00 BC"),)),
    ("at", physical(MS, 253_402_300_800_000), (kept_or_refused("10000-01-01 00:00:00+00"),)),
    *(("at", series(kind, *values), (TYPE,) * len(values)) for kind, values in (
        (pl.Date, (date(2026, 5, 31), date(1970, 1, 1))), (pl.Int64, (1_780_000_000, 0)), (pl.Float64, (1.78e9, 0.0)),
    )),
    # Keys.
    ("uid", series(pl.Binary, bytes.fromhex(UID.replace("-", "")), None), (kept_or_refused(UID), None)),
    ("uid", series(pl.Binary, b"short", UID.encode(), b""), (TYPE, TYPE, TYPE)),
    ("uid", series(pl.Int128, 5), (TYPE,)),
    # Text: what is text; a number's digits say the same, bytes and lists do not.
    *(("name", series(kind, "a", "", None), ("a", "", None)) for kind in (pl.Categorical, pl.Enum(["a", ""]))),
    ("name", series(pl.Int64, 5, 2**63 - 1), (kept_or_refused("5"), kept_or_refused(str(2**63 - 1)))),
    ("name", series(pl.Decimal(10, 2), Decimal("1.10")), (kept_or_refused("1.10"),)),
    ("name", series(pl.Date, date(2026, 5, 31)), (kept_or_refused("2026-05-31"),)),
    ("name", series(pl.Boolean, True), (kept_or_refused("true"),)),
    ("code", series(pl.Categorical, "abcde", "abcdef", "ééééé"), ("abcde", refused("length"), "ééééé")),
    ("mood", series(pl.Enum(["calm", "sad"]), "calm", "sad", None), ("calm", refused("enum"), None)),
    # Documents.
    ("doc", series(pl.Struct({"a": pl.Int64, "b": pl.String, "c": pl.List(pl.Int64)}),
     {"a": 2**63 - 1, "b": 'x"\\\n', "c": [1, None]}, None),
     
     (f'{{"a": {2**63 - 1}, "b": "x\\"\\\\\\n", "c": [1, null]}}', None)),
    ("doc", series(pl.Struct({"a": pl.Int64}), {"a": None}), ('{"a": null}',)),
    ("doc", series(pl.List(pl.Int64), [1, 2], [], None), ("[1, 2]", "[]", None)),
    ("doc", series(pl.List(pl.Struct({"é": pl.Boolean})), [{"é": True}, None]), ('[{"é": true}, null]',)),
    ("doc", series(pl.Struct({"a": pl.UInt64}), {"a": 2**64 - 1}), (f'{{"a": {2**64 - 1}}}',)),
    ("doc", series(pl.Struct({"a": pl.Float64}), {"a": 0.1}, {"a": NAN}, {"a": INF}), ('{"a": 0.1}', TYPE, TYPE)),
    ("doc", series(pl.Struct({"a": pl.String}), {"a": "\0"}), (refused("type", "character"),)),
    ("doc", series(pl.Struct({"a": pl.Decimal(20, 2)}), {"a": Decimal("1.50")}), (kept_or_refused('{"a": 1.50}'),)),
    ("doc", series(pl.Struct({"a": pl.Date}), {"a": date(2026, 5, 31)}), (kept_or_refused('{"a": "2026-05-31"}'),)),
    ("doc", series(pl.Struct({"a": pl.Binary}), {"a": b"abc"}, {"a": b"\xff"}), (TYPE, TYPE)),
    ("doc", series(pl.List(pl.Binary), [b"abc"]), (TYPE,)),
    ("doc", series(pl.Int64, 5), ("5",)),
    ("doc", series(pl.Boolean, True), ("true",)),
    ("doc", series(pl.Float64, 0.5, NAN), ("0.5", TYPE)),
    ("doc", series(US, NOON), (TYPE,)),
    ("doc", series(pl.Date, date(2026, 5, 31)), (TYPE,)),
    # Lists.
    ("tags", series(pl.List(pl.String), ["a", None, "NULL", "", 'b"\\,{}'], [], None, [None]),
     ('{a,NULL,"NULL","","b\\"\\\\,{}"}', "{}", None, "{NULL}")),
    ("tags", series(pl.List(pl.Categorical), ["a", None]), ("{a,NULL}",)),
    ("tags", series(pl.Array(pl.String, 2), ["a", "b"]), ("{a,b}",)),
    ("tags", series(pl.List(pl.String), ["a\0"], ["a"]), (refused("type", "character"), "{a}")),
    ("tags", series(pl.List(pl.Int64), [1, 2]), (kept_or_refused("{1,2}"),)),
    ("tags", series(pl.List(pl.Boolean), [True]), (kept_or_refused("{true}"),)),
    ("tags", series(pl.List(pl.List(pl.String)), [["a"], ["b"]], [["a"], []]), (kept_or_refused("{{a},{b}}"), TYPE)),
    ("tags", series(pl.List(pl.Binary), [b"a"]), (TYPE,)),
    ("tags", series(pl.List(pl.Struct({"a": pl.Int64})), [{"a": 1}]), (TYPE,)),
    ("numbers", series(pl.List(pl.Int64), [1, -2, None], [], [2**31], None), ("{1,-2,NULL}", "{}", TYPE, None)),
    ("numbers", series(pl.List(pl.Float64), [1.0], [0.5]), (TYPE, TYPE)),
    ("numbers", series(pl.List(pl.Boolean), [True]), (TYPE,)),
    # Bytes are bytes.
    ("blob", series(pl.Binary, b"\x00\xffa", b"", b"\\x61", b"616263", None),
     ("\\x00ff61", "\\x", "\\x5c783631", "\\x363136323633", None)),
    # Nothing at all.
    *((column, series(pl.Null, None, None), (None, None)) for column in COLUMNS[1:]),
]  # fmt: skip


@pytest.mark.parametrize(("column", "values", "expected"), CASES, ids=[f"{c} from {s.dtype}" for c, s, _ in CASES])
def test_a_column_of_another_type_is_read_exactly_or_its_rows_are_quarantined(
    trial: Trial, column: str, values: pl.Series, expected: Sequence[Expected]
) -> None:
    outcome = deliver(trial, column, values)

    assert outcome.load.status == "loaded"
    assert outcome.load.rows_read == len(values)
    for number, wanted in enumerate(expected, 1):
        check(Fate(outcome.rows.get(str(number)), outcome.quarantine.get(number)), column, wanted)


BYTES = series(pl.Binary, b"12", b"abc", b"\x12", b"\xff", b"", b"true", UID.encode())
LIST = series(pl.List(pl.Int64), [1], [], [None])
STRUCT = series(pl.Struct({"a": pl.Int64}), {"a": 1}, {"a": None})
DURATION = series(pl.Duration("us"), timedelta(seconds=1), timedelta(0))
MEANINGLESS = [
    *((column, BYTES) for column in (*SCALARS, "uid", "name", "code", "mood", "doc", "tags", "numbers")),
    *((column, LIST) for column in (*SCALARS, "uid", "name", "code", "mood", "blob")),
    *((column, STRUCT) for column in (*SCALARS, "uid", "name", "code", "mood", "blob", "tags", "numbers")),
    *((column, DURATION) for column in (*SCALARS, "uid", "mood", "blob", "tags", "numbers")),
    *((column, series(pl.Time, time(12))) for column in (*SCALARS, "uid", "mood", "blob", "tags", "numbers")),
]


@pytest.mark.parametrize(("column", "values"), MEANINGLESS, ids=[f"{c} from {s.dtype}" for c, s in MEANINGLESS])
def test_a_column_of_a_type_that_means_nothing_there_gives_no_row(trial: Trial, column: str, values: pl.Series) -> None:
    outcome = deliver(trial, column, values)

    assert [row[column] for row in outcome.rows.values()] == []
    if outcome.load.status == "loaded":
        assert set(outcome.quarantine) == set(range(1, len(values) + 1))


@pytest.mark.parametrize("number", [2**31 - 1, -(2**31), 10**9, -(10**9)])
def test_a_day_beyond_every_calendar_gives_no_row_and_no_crash(trial: Trial, number: int) -> None:
    outcome = deliver(trial, "day", physical(pl.Date, number, 0))

    assert "1" not in outcome.rows
    if outcome.load.status == "loaded":
        assert outcome.load.rows_read == 2
        assert outcome.quarantine[1].rule == "type"


# Instants whose year Python has no name for, and what polars cannot spell.
@pytest.mark.parametrize("kind", [US, MS, pl.Datetime("us"), pl.Datetime("ms"), BERLIN])
@pytest.mark.parametrize("number", [2**63 - 1, -(2**63) + 1, 2**60, -(2**60), 10**18, -(10**18)])
def test_an_instant_beyond_every_calendar_gives_no_row_and_no_crash(trial: Trial, kind: Any, number: int) -> None:
    outcome = deliver(trial, "at", physical(kind, number, 0))

    assert "1" not in outcome.rows
    if outcome.load.status == "loaded":
        assert outcome.load.rows_read == 2
        assert outcome.quarantine[1].rule == "type"


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("at", physical(NS, 1_780_000_000_123_456_789), ["123456789"]),
        ("at", physical(US, 253_402_300_800_000_000 * 2), ["18029"]),
        ("big", series(pl.UInt64, 2**64 - 1), [str(2**64 - 1)]),
        ("big", series(pl.Float64, 2.0**53 + 2), ["9007199254740994"]),
        ("price", series(pl.Decimal(20, 3), Decimal("1.239")), ["1.239"]),
        ("name", series(pl.Binary, b"\xde\xad\xbe\xef"), ["deadbeef", "3q2+7w==", "\\\\xad\\\\xbe"]),
        ("code", series(pl.String, "é" * 20), ["é" * 20, "\\u00e9" * 20]),
        ("mood", series(pl.Struct({"a": pl.List(pl.Int64)}), {"a": [1, 2**63 - 1]}), [str(2**63 - 1)]),
    ],
)  # fmt: skip
def test_a_refused_row_is_kept_with_every_digit_it_had(
    trial: Trial, column: str, values: pl.Series, words: list[str]
) -> None:
    outcome = deliver(trial, column, values)
    raw = (outcome.quarantine[1].raw or b"").decode()

    assert json.loads(raw)["id"] == 1
    assert any(word in raw for word in words)


KEYS = pl.Series("id", range(1, 4), pl.Int64)
NAMES = pl.Series("name", ["a", "b", "c"])


def test_columns_are_found_by_their_names(trial: Trial) -> None:
    outcome = trial.attempt(parquet(pl.DataFrame([NAMES, KEYS])), "a.parquet")

    assert {key: row["name"] for key, row in outcome.rows.items()} == {"1": "a", "2": "b", "3": "c"}


@pytest.mark.parametrize(
    "stranger", ["surprise", "ID", "_line", "_load_id", "_hash", "", " name", "date", "a\nb", "literal", "x" * 100_000]
)
def test_a_column_the_contract_lacks_refuses_every_row(trial: Trial, stranger: str) -> None:
    for extra in (pl.Series(stranger, [1, 2, 3]), pl.Series(stranger, [None, None, None])):
        outcome = trial.attempt(parquet(pl.DataFrame([KEYS, extra, NAMES])), "a.parquet")

        assert counts(outcome.load) == (3, 0, 0, 0, 3)
        assert {line: refusal.rule for line, refusal in outcome.quarantine.items()} == dict.fromkeys(
            (1, 2, 3), "unknown_column"
        )
        assert json.loads(outcome.quarantine[2].raw or b"")["name"] == "b"


def test_ten_thousand_unknown_columns_refuse_every_row(trial: Trial) -> None:
    wide = pl.DataFrame([KEYS, *(pl.Series(f"column_{number}", [number] * 3) for number in range(10_000))])
    outcome = trial.attempt(parquet(wide), "a.parquet")

    assert counts(outcome.load) == (3, 0, 0, 0, 3)
    assert {refusal.rule for refusal in outcome.quarantine.values()} == {"unknown_column"}


@pytest.mark.parametrize("keys", [None, pl.Series("id", [None] * 3), pl.Series("id", [None] * 3, pl.Int64)])
def test_a_key_that_is_missing_refuses_every_row(trial: Trial, keys: pl.Series | None) -> None:
    outcome = trial.attempt(parquet(pl.DataFrame([NAMES] if keys is None else [keys, NAMES])), "a.parquet")

    assert counts(outcome.load) == (3, 0, 0, 0, 3)
    assert {refusal.rule for refusal in outcome.quarantine.values()} == {"required"}


@pytest.mark.parametrize(
    "frame", [pl.DataFrame([KEYS, NAMES])[:0], pl.DataFrame(), pl.DataFrame([KEYS.alias("surprise")])[:0]]
)
def test_a_file_of_no_rows_is_a_load_of_no_rows(trial: Trial, frame: pl.DataFrame) -> None:
    outcome = trial.attempt(parquet(frame), "a.parquet")

    assert (outcome.load.status, counts(outcome.load)) == ("loaded", (0, 0, 0, 0, 0))


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "lz4", "brotli", "uncompressed"])
def test_every_compression_within_parquet_is_read(trial: Trial, compression: str) -> None:
    outcome = trial.attempt(parquet(pl.DataFrame([KEYS, NAMES]), compression=compression), "a.parquet")

    assert counts(outcome.load) == (3, 3, 0, 0, 0)


def test_rows_are_numbered_alike_in_every_batch(trial: Trial) -> None:
    count, broken = 60_000, {30_001, 55_555, 59_999}
    keys = pl.Series("id", range(1, count + 1), pl.Int64)
    codes = pl.Series("code", ["toolong" if n in broken else str(n % 1000) for n in range(1, count + 1)])
    outcome = trial.attempt(parquet(pl.DataFrame([keys, codes]), row_group_size=7_000), "a.parquet")

    assert counts(outcome.load) == (count, count - 3, 0, 0, 3)
    assert {line: json.loads(refusal.raw or b"")["id"] for line, refusal in outcome.quarantine.items()} == {
        line: line for line in broken
    }
    assert {int(key) for key in outcome.rows} == set(range(1, count + 1)) - broken
    assert all(row["code"] == str(int(key) % 1000) for key, row in outcome.rows.items())


MANY = pl.DataFrame(
    [pl.Series("id", range(1, 1001), pl.Int64), pl.Series("name", [f"needle {n * 7919 % 1000}" for n in range(1000)])]
)
WHOLE = parquet(MANY, row_group_size=100)


@pytest.mark.parametrize(
    "length", [0, 1, 4, 8, 12, 100, len(WHOLE) // 2, len(WHOLE) - 100, len(WHOLE) - 8, len(WHOLE) - 1]
)
def test_a_file_cut_short_is_refused_as_a_whole(trial: Trial, length: int) -> None:
    outcome = trial.attempt(WHOLE[:length], "a.parquet")

    assert outcome.load.status == "failed"
    assert "parquet" in str(outcome.load.reason)


@pytest.mark.parametrize(
    "content",
    [
        *(b"PAR1", b"PAR1PAR1", b"PAR1\0\0\0\0PAR1", b"PAR1\xff\xff\xff\xffPAR1"),
        *(b"PAR1" + b"\0" * 100 + b"PAR1", b"id\n1\n"),
        *(b'{"id":1}\n', WHOLE + b"\n", WHOLE + b"PAR1", b"\n" + WHOLE, WHOLE[:-4] + b"PARE", b"\0" * 1000),
        *(WHOLE[:-8] + b"\0\0\0\0PAR1", WHOLE[:-8] + b"\xff\xff\xff\x7fPAR1"),
        *(WHOLE[:-200] + b"\xff" * 192 + WHOLE[-8:],),
    ],
    ids=lambda content: repr(content[:8] + content[-8:]),
)  # fmt: skip
def test_a_damaged_footer_refuses_the_file_as_a_whole(trial: Trial, content: bytes) -> None:
    assert trial.attempt(content, "a.parquet").load.status == "failed"


@pytest.mark.parametrize("part", range(1, 10))
def test_a_damaged_page_in_the_middle_keeps_nothing_of_the_pages_before_it(trial: Trial, part: int) -> None:
    place = len(WHOLE) * part // 12
    outcome = trial.attempt(WHOLE[:place] + b"\xff" * 64 + WHOLE[place + 64 :], "a.parquet")

    # Behind the pages stand statistics, which nobody needs.
    if outcome.load.status == "loaded":
        assert [(int(key), row["name"]) for key, row in outcome.rows.items()] == MANY.rows()
        assert part > 8


def test_text_that_is_not_utf8_is_never_stored(trial: Trial) -> None:
    plain = parquet(MANY, compression="uncompressed", statistics=False)
    outcome = trial.attempt(plain.replace(b"needle", b"\xff\xfe\xc0\xaf\xed\xa0"), "a.parquet")

    assert outcome.rows == {}
    assert outcome.load.status == "failed" or outcome.load.rows_rejected == MANY.height
