"""From a file to rows, and what becomes of those that do not fit: any format, any damage, nothing lost."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import psycopg
import pytest
from backports import zstd

from ingest.errors import ConfigurationError
from tests.ingest.zone import LEDGER, POSTED, Zone, counts, entry, ndjson


def test_a_file_is_loaded_once_under_whatever_name_it_comes(zone: Zone) -> None:
    content = ndjson(entry(1), entry(2))
    zone.deliver(LEDGER, content)
    (first,) = zone.load()
    zone.deliver(LEDGER, content, name="again.ndjson", day="2026-06-02")

    assert counts(first) == (2, 2, 0, 0, 0)
    assert zone.load() == []
    assert len(zone.entries()) == 2


def test_broken_lines_are_quarantined_with_line_rule_and_bytes_and_the_good_ones_load(zone: Zone) -> None:
    broken = [
        "{not json}\n",
        json.dumps(entry(2, amount_nano="five")) + "\n",
        json.dumps(entry(3, created_at="2026-05-31 23:59:59")) + "\n",
        json.dumps(entry(4, tx_ref=None)) + "\n",
        json.dumps(entry(5, surprise=1)) + "\n",
        json.dumps(entry(6, amount_nano=2**63)) + "\n",
        json.dumps(entry(7, created_at="1969-12-31T23:59:59Z")) + "\n",
        json.dumps(entry(8, created_at="2026-02-30T00:00:00Z")) + "\n",
        json.dumps(entry(9, account_id="nul \0")) + "\n",
        json.dumps(entry(10, amount_nano=1.5)) + "\n",
        json.dumps(entry(11, account_id="x" * 201)) + "\n",
        json.dumps(entry(12, description={"a": 1})) + "\n",
    ]
    path = zone.deliver(LEDGER, ndjson(entry(1), *broken, "\n", entry(99)) + b'{"id": "\xff"}\n')
    (load,) = zone.load()

    assert load.status == "loaded"
    assert counts(load) == (15, 2, 0, 0, 13)
    rules = ["json", "type", "type", "required", "unknown_column", "type", "window", "type", "character", "type"]
    rules += ["length", "type", "utf8"]
    lines = [*range(2, 14), 16]
    assert zone.quarantine() == [(line, "rejected", rule) for line, rule in zip(lines, rules, strict=True)]
    kept = zone.fetch("select path, line, raw, reason from ingest.quarantine where line = 3")
    assert kept == [
        (path.relative_to(zone.root).as_posix(), 3, broken[1].encode(), "amount_nano is 'five', not a bigint")
    ]


def test_numbers_beyond_a_float_stay_exact(zone: Zone) -> None:
    numbers = [2**53 + 1, 2**63 - 1]
    zone.deliver(LEDGER, ndjson(*(entry(i, amount_nano=number) for i, number in enumerate(numbers))))
    exact = "0.3000000000000000000000000000000000001"
    key = {"key": "pi", "updated_at": POSTED}
    zone.deliver("funpot.config", ndjson(json.dumps(key | {"value_json": "?"}).replace('"?"', exact) + "\n"))
    zone.load()

    assert [amount for _, amount, _ in zone.entries()] == numbers
    assert zone.fetch("select value_json::text from raw_funpot.config") == [(exact,)]


def rows_as(kind: str, rows: Sequence[dict[str, Any]]) -> bytes:
    frame = pl.DataFrame(rows, schema={name: pl.Int64 if name == "amount_nano" else pl.String for name in rows[0]})
    match kind:
        case "csv":
            return frame.write_csv(quote_style="non_numeric").encode()
        case "csv.gz":
            return gzip.compress(rows_as("csv", rows))
        case "ndjson.zst":
            return zstd.compress(ndjson(*rows[:1])) + zstd.compress(ndjson(*rows[1:]))
        case "ndjson.gz":
            return gzip.compress(ndjson(*rows[:1])) + gzip.compress(ndjson(*rows[1:]))
        case "parquet":
            typed = frame.with_columns(pl.col("created_at").str.to_datetime(time_zone="UTC", time_unit="us"))
            buffer = Path(f"{__file__}.parquet")
            typed.write_parquet(buffer)
            try:
                return buffer.read_bytes()
            finally:
                buffer.unlink()
    return ndjson(*rows)


@pytest.mark.parametrize("kind", ["ndjson", "ndjson.gz", "ndjson.zst", "csv", "csv.gz", "parquet"])
def test_every_format_brings_the_same_rows(zone: Zone, kind: str) -> None:
    text = 'comma, "quote"\nnewline \\ backslash é'
    rows = [entry(1, description=text), entry(2, description=""), entry(3, description=None, amount_nano=2**62)]
    zone.deliver(LEDGER, rows_as(kind, rows), name=f"part.{kind}")
    (load,) = zone.load()

    assert counts(load) == (3, 3, 0, 0, 0)
    stored = zone.fetch(
        "select description, amount_nano, created_at::text from raw_advert_market.ledger_entries order by id"
    )
    assert stored == [(text, 5, ANY_TIME), ("", 5, ANY_TIME), (None, 2**62, ANY_TIME)]


ANY_TIME = "2026-05-31 23:59:59.999999+00"


def test_a_csv_record_is_quarantined_by_the_line_it_starts_on(zone: Zone) -> None:
    head = "id,amount_nano,tx_ref,account_id,direction,created_at,description\r\n"
    good = f'{UUID(int=1)},5,{UUID(int=7)},EXTERNAL_TON,DEBIT,{POSTED},"two\r\nlines"\r\n'
    ragged = f"{UUID(int=2)},5\r\n"
    zone.deliver(LEDGER, ("\ufeff" + head + good + ragged + good.replace("DEBIT", "")).encode(), name="part.csv")
    (load,) = zone.load()

    assert counts(load) == (3, 1, 0, 0, 2)
    assert zone.quarantine() == [(4, "rejected", "csv"), (5, "rejected", "required")]
    assert zone.fetch("select convert_from(raw, 'utf8') from ingest.quarantine where line = 4") == [(ragged,)]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("part.ndjson.gz", gzip.compress(ndjson(*map(entry, range(1, 500))))[:-20], "cut short"),
        ("part.ndjson.gz", gzip.compress(ndjson(entry(1)))[:-8] + b"12345678", "damaged"),
        ("part.ndjson.gz", b"not gzip", "damaged"),
        ("part.ndjson.zst", zstd.compress(ndjson(*map(entry, range(1, 500))))[:-5], "cut short"),
        ("part.csv.zst", b"not zstd", "damaged"),
        ("part.parquet", b"PAR1 not parquet PAR1", "not a parquet file"),
        ("part.xlsx", b"", "must end in"),
    ],
)
def test_a_file_that_cannot_be_read_to_its_end_keeps_nothing(zone: Zone, name: str, content: bytes, words: str) -> None:
    zone.deliver(LEDGER, content, name=name)
    zone.deliver(LEDGER, ndjson(entry(1000)), name="zz-good.ndjson")
    failed, good = zone.load()

    assert failed.status == "failed"
    assert words in str(failed.reason)
    assert good.status == "loaded"
    assert [key for key, _, _ in zone.entries()] == [1000]
    assert zone.fetch("select count(*) from ingest.loads where status = 'failed' and rows_read = 0") == [(1,)]


def test_a_refused_file_that_is_mended_loads_and_its_failure_is_forgotten(zone: Zone) -> None:
    whole = gzip.compress(ndjson(entry(1)))
    zone.deliver(LEDGER, whole[:-10], name="part.ndjson.gz")
    zone.load()
    zone.load()
    zone.deliver(LEDGER, whole, name="part.ndjson.gz")
    zone.load()

    assert zone.fetch("select status from ingest.loads") == [("loaded",)]
    assert len(zone.entries()) == 1


@pytest.mark.parametrize("content", [b"", b"\n\n", b"id,tx_ref\n"])
def test_an_empty_file_is_a_load_of_no_rows(zone: Zone, content: bytes) -> None:
    zone.deliver(LEDGER, content, name="part.csv" if b"," in content else "part.ndjson")
    (load,) = zone.load()

    assert (load.status, counts(load)) == ("loaded", (0, 0, 0, 0, 0))


def test_restricted_columns_never_reach_the_database(zone: Zone) -> None:
    user = {"id": str(UUID(int=1)), "email": "ada@example.org", "password_hash": "s3cret", "username": "ada"}
    user |= {"role": "user", "email_verified": True, "is_active": True}
    user |= {"created_at": POSTED, "updated_at": POSTED}
    zone.deliver("storyforge.users", ndjson(user, user | {"id": "broken"}))
    (load,) = zone.load()

    assert counts(load) == (2, 1, 0, 0, 1)
    (raw,) = zone.fetch("select convert_from(raw, 'utf8') from ingest.quarantine")[0]
    assert "broken" in raw
    assert "ada@example.org" not in raw
    assert "s3cret" not in raw


def test_a_private_table_is_refused(zone: Zone) -> None:
    zone.deliver("advert_market.pii_store", ndjson({"user_id": 1}))
    (load,) = zone.load()

    assert load.status == "failed"
    assert "private" in str(load.reason)


def test_counts_that_do_not_add_up_cannot_be_stored(zone: Zone) -> None:
    zone.deliver(LEDGER, ndjson(entry(1)))
    zone.load()

    with pytest.raises(psycopg.errors.CheckViolation, match="rows_are_conserved"):
        zone.connection.execute("update ingest.loads set rows_accepted = 0")


def test_a_month_that_was_detached_and_left_in_its_place_is_told_and_nothing_is_loaded(zone: Zone) -> None:
    zone.deliver(LEDGER, ndjson(entry(1)))
    zone.load()
    detach = "alter table raw_advert_market.ledger_entries detach partition raw_advert_market.ledger_entries_2026_05"
    zone.connection.execute(detach)
    zone.connection.commit()
    zone.deliver(LEDGER, ndjson(entry(2)), day="2026-06-02")
    with pytest.raises(ConfigurationError, match=r"ledger_entries_2026_05 is there but detached .* attach it again"):
        zone.load()
    zone.connection.rollback()
    assert zone.entries() == []

    zone.connection.execute("alter table raw_advert_market.ledger_entries_2026_05 set schema public")
    zone.connection.commit()
    zone.load()
    assert zone.entries() == [(2, 5, "EXTERNAL_TON")]
