"""Keys hold over all partitions and for all time, and are looked up without scanning history."""

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from ingest.contract import System
from ingest.landing import find_files
from ingest.schema import ensure_schemas
from tests.ingest.zone import LEDGER, Zone, counts, entry, ndjson

MONTHS = [f"2024-{month:02}-15T00:00:00Z" for month in range(1, 13)]
EVENTS = "synapse.event_lake"


def event(number: int, **changes: object) -> dict[str, object]:
    return {
        "id": number,
        "guild_id": 1,
        "user_id": 2,
        "event_type": "message_create",
        "payload": {"length": 3, "has_link": False},
        "timestamp": "2026-05-31T22:00:00Z",
    } | changes


def scans(zone: Zone) -> int:
    """How often a partition of the ledger was read from end to end, in this session."""
    zone.fetch("select pg_stat_force_next_flush()")
    zone.connection.commit()
    ((found,),) = zone.fetch("select sum(seq_scan) from pg_stat_user_tables where relname like 'ledger_entries_2%'")
    return int(found)


def test_a_known_key_is_found_in_any_month_without_reading_history(zone: Zone) -> None:
    # A partition must be too large for one page, or Postgres rightly reads the page.
    zone.deliver(LEDGER, ndjson(*(entry(n, created_at=MONTHS[n % 12]) for n in range(12 * 400))))
    zone.load()
    before = scans(zone)

    again = entry(3, created_at="2024-04-15T02:00:00+02:00")
    moved = entry(4, created_at=MONTHS[11])
    changed = entry(5, created_at=MONTHS[5], amount_nano=6)
    zone.deliver(LEDGER, ndjson(again, moved, changed, entry(9999, created_at=MONTHS[0])), day="2026-06-02")
    (load,) = zone.load()

    assert counts(load) == (4, 1, 1, 2, 0)
    assert scans(zone) == before


def test_the_same_content_in_another_spelling_is_a_duplicate(zone: Zone) -> None:
    zone.deliver(EVENTS, ndjson(event(1)))
    spelt = event(1, timestamp="2026-06-01 00:00:00+02", payload={"has_link": False, "length": 3}, id="1")
    zone.deliver(EVENTS, json.dumps(spelt, indent=None).encode() + b"\n", day="2026-06-02")

    assert [counts(load) for load in zone.load()] == [(1, 1, 0, 0, 0), (1, 0, 1, 0, 0)]


def test_a_key_stays_taken_when_its_partition_is_gone(zone: Zone) -> None:
    zone.deliver(LEDGER, ndjson(entry(1)))
    zone.load()
    zone.connection.execute("drop table raw_advert_market.ledger_entries_2026_05")
    zone.deliver(LEDGER, ndjson(entry(1), entry(2)), day="2026-06-02")
    zone.deliver(LEDGER, ndjson(entry(1, amount_nano=9)), day="2026-06-03")

    assert [counts(load) for load in zone.load()] == [(2, 1, 1, 0, 0), (1, 0, 0, 1, 0)]
    assert [number for number, _, _ in zone.entries()] == [2]


def test_a_table_filled_before_it_had_a_registry_gets_one_of_all_its_keys(
    zone: Zone, systems: tuple[System, ...]
) -> None:
    zone.deliver(LEDGER, ndjson(entry(1), entry(2)))
    zone.load()
    zone.connection.execute("drop table keys_advert_market.ledger_entries")
    ensure_schemas(zone.connection, systems)
    zone.deliver(LEDGER, ndjson(entry(2), entry(1, amount_nano=6), entry(3)), day="2026-06-02")

    assert [counts(load) for load in zone.load()] == [(3, 1, 1, 1, 0)]


def test_a_registry_from_before_fingerprints_had_two_halves_keeps_its_keys(
    zone: Zone, systems: tuple[System, ...]
) -> None:
    zone.deliver(LEDGER, ndjson(entry(1), entry(2)))
    zone.load()
    zone.connection.execute("drop table raw_advert_market.ledger_entries_2026_05")  # its keys are nowhere else
    zone.connection.execute("alter table keys_advert_market.ledger_entries drop column _check")
    zone.connection.commit()
    ensure_schemas(zone.connection, systems)
    zone.deliver(LEDGER, ndjson(entry(2), entry(3)), day="2026-06-02")

    assert [counts(load) for load in zone.load()] == [(2, 1, 0, 1, 0)]
    assert zone.fetch("select count(*) from keys_advert_market.ledger_entries") == [(3,)]


def test_a_table_that_is_made_anew_forgets_the_keys_of_the_old(zone: Zone, systems: tuple[System, ...]) -> None:
    zone.deliver(LEDGER, ndjson(entry(1)))
    zone.load()
    zone.connection.execute("drop schema raw_advert_market cascade")
    ensure_schemas(zone.connection, systems)
    zone.deliver(LEDGER, ndjson(entry(1), entry(2)), day="2026-06-02")

    assert [counts(load) for load in zone.load()] == [(2, 2, 0, 0, 0)]


def test_a_new_month_is_indexed_and_guarded_as_its_table_is(zone: Zone) -> None:
    zone.deliver(LEDGER, ndjson(entry(1), entry(2, created_at=MONTHS[0])))
    zone.load()

    assert zone.fetch(
        "select c.relname, i.indisvalid, count(p.inhrelid) from pg_index i join pg_class c on c.oid = i.indexrelid"
        " left join pg_inherits p on p.inhparent = i.indexrelid"
        " where i.indrelid = 'raw_advert_market.ledger_entries'::regclass group by 1, 2 order by 1"
    ) == [
        ("ledger_entries__load_id_idx", True, 2),
        ("ledger_entries_account_id_created_at_idx", True, 2),
        ("ledger_entries_pkey", True, 2),
        ("ledger_entries_tx_ref_idx", True, 2),
    ]
    with pytest.raises(psycopg.errors.RaiseException, match="immutable"):
        zone.fetch("update raw_advert_market.ledger_entries_2024_01 set amount_nano = 1 returning id")


def test_readers_do_not_wait_while_a_month_is_added(zone: Zone, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import ingest.load

    zone.deliver(LEDGER, ndjson(entry(1)))
    zone.load()
    seen = []
    finish = ingest.load._finish

    def read_meanwhile(*arguments: object) -> None:
        with psycopg.connect(database, options="-c lock_timeout=2s") as reader:
            seen.extend(reader.execute("select count(*) from raw_advert_market.ledger_entries").fetchall())
        finish(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest.load, "_finish", read_meanwhile)
    zone.deliver(LEDGER, ndjson(entry(2, created_at=MONTHS[0]), entry(3)), day="2026-06-02")
    zone.load()

    assert seen == [(1,)]
    assert len(zone.entries()) == 3


def test_a_large_file_is_read_by_another_process_with_the_same_result(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ndjson(
        *(event(number, channel_id=number or None) for number in range(60)), "nonsense\n", event(1, channel_id=1)
    )
    zone.deliver(EVENTS, lines)
    (here,) = zone.load()
    held = zone.fetch("select to_jsonb(e) - '_load_id' from raw_synapse.event_lake e order by id")
    zone.connection.execute("truncate keys_synapse.event_lake, ingest.loads cascade")
    zone.connection.execute("drop table raw_synapse.event_lake_2026_05")

    monkeypatch.setattr("ingest.reader.LARGE_BYTES", 1)
    (elsewhere,) = zone.load()

    assert counts(elsewhere) == counts(here) == (62, 60, 1, 0, 1)
    assert zone.fetch("select to_jsonb(e) - '_load_id' from raw_synapse.event_lake e order by id") == held


def test_a_file_that_ends_the_process_which_reads_it_is_refused(
    zone: Zone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os\nos.kill(os.getpid(), 9)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("ingest.reader.LARGE_BYTES", 1)
    zone.deliver(LEDGER, ndjson(entry(1)))
    (load,) = zone.load()

    assert (load.status, load.reason) == ("failed", "the process that read it ended with code -9")
    assert zone.entries() == []


def test_the_process_that_reads_ends_with_the_one_that_asked(zone: Zone) -> None:
    zone.deliver(LEDGER, ndjson(*(entry(number, description="x" * 1_000_000) for number in range(20))))
    (file,) = find_files(zone.root, zone.systems)
    (table,) = (table for system in zone.systems for table in system.tables if f"{system.name}.{table.name}" == LEDGER)
    program = [sys.executable, "-m", "ingest.reader"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin and process.stdout and process.stderr
        pickle.dump((replace(file, zone=None, entry=None), table), process.stdin)
        pickle.dump(("keys", None), process.stdin)
        process.stdin.flush()
        process.stdout.read(1)  # it has read the first 8 MB, and goes on
        process.stdin.close()
        process.stdout.close()

        assert (process.wait(30), process.stderr.read()) == (0, b"")
