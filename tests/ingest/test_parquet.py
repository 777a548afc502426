"""Rows of parquet as JSON in quarantine: every value is read again as it was read from the file."""

import io
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingest.contract import Column, Table
from ingest.formats.parquet import read_batches, read_lines, write_lines
from ingest.landing import LandingFile
from ingest.validate import validate

INSTANT = datetime(2026, 5, 31, 23, 59, 59, 999_999, UTC)
NANOS = pl.Series([1, 1_700_000_000_123_456_789, None])
FAR = pl.Series([2**62, -(2**62), 0])  # microseconds: years that no datetime of Python has

VALUES: dict[str, tuple[str, pl.Series]] = {
    "small": ("smallint", pl.Series([-(2**15), 2**15 - 1, None], dtype=pl.Int16)),
    "whole": ("bigint", pl.Series([-(2**63), 2**63 - 1, None], dtype=pl.Int64)),
    "unsigned": ("numeric", pl.Series([0, 2**64 - 1, None], dtype=pl.UInt64)),
    "huge": ("numeric", pl.Series([2**100, -(2**100), None], dtype=pl.Int128)),
    "single": ("double precision", pl.Series([0.1, 1e38, None], dtype=pl.Float32)),
    "real": ("double precision", pl.Series([0.1, float("nan"), float("-inf")])),
    "money": ("numeric", pl.Series([Decimal("12345678901234567890.12345"), Decimal("-0.00001"), None])),
    "truth": ("boolean", pl.Series([True, False, None])),
    "day": ("date", pl.Series([date(2026, 2, 28), date(1, 1, 1), None])),
    "clock": ("text", pl.Series([time(23, 59, 59, 1), time(0), None])),
    "instant": ("timestamptz", pl.Series([INSTANT, datetime(1900, 1, 1, tzinfo=UTC), None])),
    "elsewhere": ("timestamptz", pl.Series([INSTANT] * 3).dt.convert_time_zone("America/New_York")),
    "without_zone": ("timestamptz", pl.Series([INSTANT.replace(tzinfo=None)] * 3)),
    "nanos": ("timestamptz", NANOS.cast(pl.Datetime("ns", "UTC"))),
    "far": ("timestamptz", FAR.cast(pl.Datetime("us", "UTC"))),
    "text": ("text", pl.Series(['"', "\\ \n é \U0001f600 \x00", ""])),
    "kind": ("text", pl.Series(["a", None, "b"], dtype=pl.Categorical)),
    "bytes": ("text", pl.Series([b"\x00\xff", b"", None])),
    "json_text": ("jsonb", pl.Series(['{"a": 0.10, "b": "x"}', '"a string"', None])),
    "json_number": ("jsonb", pl.Series([Decimal("0.10"), Decimal("1.00"), None])),
    "record": (
        "jsonb",
        pl.Series(
            [{"f": 0.1, "d": Decimal("0.10"), "at": INSTANT, "l": [1, None], "t": True, "s": "é\n"}, None, None],
            dtype=pl.Struct(
                {
                    "f": pl.Float64,
                    "d": pl.Decimal(10, 2),
                    "at": pl.Datetime("us", "UTC"),
                    "l": pl.List(pl.Int64),
                    "t": pl.Boolean,
                    "s": pl.String,
                }
            ),
        ),
    ),
    "list_as_json": ("jsonb", pl.Series([[1.5, float("nan"), None], [], None], dtype=pl.List(pl.Float64))),
    "texts": ("text[]", pl.Series([['a "b"', "c,\\", None], [], None], dtype=pl.List(pl.String))),
    "numbers": ("numeric[]", pl.Series([[0.1, 1e300], [2.0], None], dtype=pl.List(pl.Float64))),
    "exact_numbers": ("numeric[]", pl.Series([[Decimal("0.10")], [], None], dtype=pl.List(pl.Decimal(10, 2)))),
    "truths": ("boolean[]", pl.Series([[True, None], [False], None], dtype=pl.List(pl.Boolean))),
    "array_as_text": ("text[]", pl.Series(["{a,b}", "{}", None])),
}


def described(types: dict[str, str]) -> Table:
    columns = tuple(Column(name, kind, False, "", None, (), None, None, None) for name, kind in types.items())
    return Table("s", "t", "", columns, (), ("whole",), "append", None, None, None, None, (), False)


def read(content: bytes, folder: Path, table: Table) -> tuple[LandingFile, list[dict[str, Any]]]:
    path = folder / "rows.parquet"
    path.write_bytes(content)
    file = LandingFile("s", "t", date(2026, 6, 1), path, "s/t/date=2026-06-01/rows.parquet")
    return file, texts(file, table)


def texts(file: LandingFile, table: Table) -> list[dict[str, Any]]:
    """The rows that fit; what is refused as it comes must be refused as it was kept."""
    return [row for batch in read_batches(file, table) for row in validate(batch, table)[0].cast(pl.String).to_dicts()]


@pytest.mark.parametrize("name", VALUES)
def test_a_value_kept_as_json_is_read_again_as_it_was(name: str, tmp_path: Path) -> None:
    kind, series = VALUES[name]
    table = described({"whole": "bigint", name: kind})
    buffer = io.BytesIO()
    pl.DataFrame([pl.Series("whole", [7, 8, 9]), series.alias(name)][name == "whole" :]).write_parquet(buffer)
    file, before = read(buffer.getvalue(), tmp_path, table)
    kept = read_lines(file, {1, 2, 3})
    again = tmp_path / "again.parquet"
    write_lines(again, (kept[line] for line in (1, 2, 3)), table)

    assert texts(LandingFile("s", "t", date(2026, 6, 1), again, "again.parquet"), table) == [
        {key: spelt(value, VALUES[key][0]) if key in VALUES else value for key, value in row.items()} for row in before
    ]


def test_a_value_that_no_column_takes_is_kept_all_the_same(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    pl.DataFrame({"lasting": [timedelta(hours=1)]}).write_parquet(buffer)
    file, rows = read(buffer.getvalue(), tmp_path, described({"whole": "bigint"}))

    assert rows == []
    assert read_lines(file, {1}) == {1: b'{"lasting": {"\\u0000": "1:00:00"}}'}


def spelt(value: str | None, kind: str) -> str | None:
    """A typed instant as the text that is read for it; any other value is its text already."""
    if value and kind == "timestamptz" and value[10] == " ":
        return f"{value[:10]}T{value[11:26]}Z"
    return value
