"""Rows that come again are known by their text, and by nothing that only looks like it."""

import json
from collections.abc import Sequence
from uuid import UUID

import pytest

from ingest import stage
from ingest.contract import Table
from ingest.fingerprint import Fingerprint
from ingest.landing import find_files
from ingest.load import load_files
from tests.ingest.zone import LEDGER, Zone, counts, entry, ndjson

LANES = {"by key": 0, "at large": 1 << 40}  # how many times a file's bytes are the registry's
HEADER = "id,tx_ref,account_id,direction,amount_nano,deal_id,description,created_at"
VIEWS = "storyforge.scene_views"


def record(number: int, description: str = "") -> str:
    return f"{UUID(int=number)},{UUID(int=7)},EXTERNAL_TON,DEBIT,5,,{description},2026-05-31T23:59:59Z"


def records(*lines: str, header: str = HEADER, end: str = "\n") -> bytes:
    return end.join([header, *lines, ""]).encode()


def view(number: int, ip_hash: str) -> dict[str, object]:
    """A row with a value that is never kept."""
    keys = {"id": str(UUID(int=number)), "scene_id": str(UUID(int=1)), "user_id": None}
    return keys | {"ip_hash": ip_hash, "created_at": "2026-05-31T23:59:59Z"}


KNOWN = ndjson(*(entry(number) for number in range(1, 7)))
KNOWN_CSV = records(*(record(number, "plain") for number in range(1, 7)))
TORN = records(record(8, f'"torn\n{record(2, "plain")}\napart"'), record(3, "plain"), record(9))
# What was delivered first, what comes then, and what is to become of it: read, accepted, duplicate, conflict, rejected.
AGAIN = {
    "the same rows": (KNOWN, ndjson(*(entry(number) for number in (6, 2, 1))), (3, 0, 3, 0, 0)),
    "new rows between known ones": (KNOWN, ndjson(entry(2), entry(8), entry(1), entry(9)), (4, 2, 2, 0, 0)),
    "a row twice": (KNOWN, ndjson(entry(2), entry(2), entry(8), entry(8)), (4, 1, 3, 0, 0)),
    "blank lines": (KNOWN, b"\n \t\n" + ndjson(entry(2)) + b"\r\n\n" + ndjson(entry(8)) + b"\n\n", (2, 1, 1, 0, 0)),
    "other ends of lines": (KNOWN, ndjson(entry(2), entry(8)).replace(b"\n", b"\r\n"), (2, 1, 1, 0, 0)),
    "no end of the last line": (KNOWN, ndjson(entry(2), entry(1)).removesuffix(b"\n"), (2, 0, 2, 0, 0)),
    "a byte order mark": (KNOWN, b"\xef\xbb\xbf" + ndjson(entry(2), entry(8)), (2, 1, 1, 0, 0)),
    "lines that are no rows": (
        KNOWN,
        ndjson(entry(2), "{broken\n", entry(8), "{}\n") + b"\xff\n" + ndjson(entry(1, amount_nano="x"), entry(3)),
        (7, 1, 2, 0, 4),
    ),
    "a byte order mark within": (KNOWN, ndjson(entry(8), "\ufeff" + json.dumps(entry(2)) + "\n"), (2, 1, 0, 0, 1)),
    "NUL within": (KNOWN, ndjson(entry(2), entry(8)) + b"\0\n" + ndjson(entry(1)), (4, 1, 2, 0, 1)),
    "another spelling": (KNOWN, ndjson(entry(2, amount_nano="5"), entry(1, account_id="x")), (2, 0, 1, 1, 0)),
    "a refused line, again": (ndjson("{broken\n", entry(1)), ndjson(entry(1), "{broken\n"), (2, 0, 1, 0, 1)),
    "records": (KNOWN_CSV, records(record(5, "plain"), record(8), record(1, "plain")), (3, 1, 2, 0, 0)),
    "records, other ends": (KNOWN_CSV, records(record(5, "plain"), record(8), end="\r\n"), (2, 1, 1, 0, 0)),
    "records, blank lines": (KNOWN_CSV, records("", record(5, "plain"), "", "", record(8)), (2, 1, 1, 0, 0)),
    "records, quoted": (KNOWN_CSV, records(record(5, '"plain"'), record(1, '"pla""in"')), (2, 0, 1, 1, 0)),
    "records, ragged": (KNOWN_CSV, records(record(5, "plain"), record(8) + ",", "x", record(9)), (4, 1, 1, 0, 2)),
    "a record that holds a known line": (KNOWN_CSV, TORN, (3, 2, 1, 0, 0)),
    "a quotation mark without end": (KNOWN_CSV, records(record(5, "plain"), record(8, '"open')), (2, 0, 1, 0, 1)),
    "a column twice": (
        KNOWN_CSV,
        records(record(5, "plain"), header=HEADER.replace("tx_ref", "deal_id")),
        (1, 0, 0, 0, 1),
    ),
}


def deliver_again(
    zone: Zone, table: str, contents: Sequence[bytes], suffix: str, large_share: int
) -> tuple[object, ...]:
    """What becomes of the last of some files, and what the table and the quarantine then hold."""
    for number, content in enumerate(contents):
        zone.deliver(table, content, f"part-{number}.{suffix}")
    files = find_files(zone.root, zone.systems)
    with pytest.MonkeyPatch.context() as patch, zone.connection.transaction(force_rollback=True):
        patch.setattr(stage, "_LARGE_SHARE", large_share)
        *_, load = load_files(zone.connection, zone.systems, files)
        held = zone.fetch(f"select to_jsonb(t) - '_load_id' from raw_{table} t order by id")
        return counts(load), held, zone.quarantine()


@pytest.mark.parametrize(("first", "then", "expected"), AGAIN.values(), ids=AGAIN)
def test_a_file_is_told_by_its_fingerprints_as_it_is_by_its_keys(
    zone: Zone, first: bytes, then: bytes, expected: tuple[int, ...]
) -> None:
    suffix = "ndjson" if first.startswith(b"{") else "csv"
    found = [deliver_again(zone, LEDGER, (first, then), suffix, share) for share in LANES.values()]
    assert found[0] == found[1]
    assert found[0][0] == expected


@pytest.mark.parametrize("share", LANES.values(), ids=LANES)
def test_rows_whose_text_holds_what_is_not_kept_are_known_by_what_is(zone: Zone, share: int) -> None:
    first, then = ndjson(view(1, "one")), ndjson(view(1, "two"), view(2, "two"))
    assert deliver_again(zone, VIEWS, (first, then), "ndjson", share)[0] == (2, 1, 1, 0, 0)


def test_what_is_not_kept_leaves_no_trace_in_a_fingerprint(zone: Zone) -> None:
    zone.deliver(VIEWS, ndjson(view(1, "one")), "one.ndjson")
    zone.load()
    kept = zone.fetch("select _hash, _check from keys_storyforge.scene_views")
    zone.connection.execute("truncate keys_storyforge.scene_views, raw_storyforge.scene_views, ingest.loads cascade")
    zone.deliver(VIEWS, ndjson(view(1, "two")), "two.ndjson")
    zone.load()
    assert zone.fetch("select _hash, _check from keys_storyforge.scene_views") == kept


def test_a_large_file_of_known_rows_is_not_decoded(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    zone.deliver(LEDGER, KNOWN)
    zone.load()
    monkeypatch.setattr(stage, "_LARGE_SHARE", 1 << 40)
    monkeypatch.setattr("ingest.reader.read_batches", None)
    zone.deliver(LEDGER, b"".join(reversed(KNOWN.splitlines(keepends=True))), day="2026-06-02")
    assert [counts(load) for load in zone.load()] == [(6, 0, 6, 0, 0)]


def test_text_means_something_else_under_another_header_format_or_contract(zone: Zone) -> None:
    tables: dict[str, Table] = {table.name: table for system in zone.systems for table in system.tables}
    spellings = [
        Fingerprint.of(tables[name], spelling).seeds
        for name in ("ledger_entries", "wallet_ledger")
        for spelling in (["ndjson"], ["csv"], ["csv", "id", "a"], ["csv", "a", "id"], ["csv", "ida"])
    ]
    assert len(set(spellings)) == len(spellings)
    assert len({seed for pair in spellings for seed in pair}) == 2 * len(spellings)
