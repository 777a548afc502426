"""The whole line, as a person uses it: landing files in, four answers out, and nothing broken passes unseen."""

import gzip
import json
import random
from pathlib import Path

import psycopg
import pytest

from ingest.contract import System
from ingest.landing import find_files
from ingest.load import load_files
from ingest.sample import write_sample
from tests.conftest import Warehouse

DBT = Path(__file__).parents[1] / "dbt"
DAYS = 6  # every kind of delivery: history, days, late rows, re-sent files
SHORT = ("--days", str(DAYS))


def test_a_second_run_over_the_same_files_changes_no_mart(warehouse: Warehouse, systems: tuple[System, ...]) -> None:
    write_sample(warehouse.landing, systems, days=DAYS)
    assert warehouse.tally("run")[0] == 0
    before = warehouse.mart_checksums()
    assert warehouse.tally("run")[0] == 0

    assert warehouse.mart_checksums() == before
    assert len(before) == len(list((DBT / "models" / "marts").glob("*.sql")))
    # Nothing is broken in clean data, and no attribute is misfit.
    assert {mart for mart, checksum in before.items() if checksum.startswith("0 ")} == {
        "reconciliation_breaks",
        "hermes_attributes_rejected",
    }


def test_the_order_of_files_changes_no_mart(
    warehouse: Warehouse, systems: tuple[System, ...], connection: psycopg.Connection
) -> None:
    write_sample(warehouse.landing, systems, days=DAYS)
    files = find_files(warehouse.landing, systems)
    random.Random(5).shuffle(files)
    load_files(connection, systems, files)
    connection.commit()
    assert warehouse.tally("run")[0] == 0
    shuffled = warehouse.mart_checksums()
    refused = warehouse.fetch("select count(*) from ingest.quarantine")
    connection.execute("drop schema marts, ingest, audit cascade")
    for system in systems:
        connection.execute(f"drop schema raw_{system.name} cascade")  # type: ignore[arg-type]
    connection.commit()
    assert warehouse.tally("run")[0] == 0

    assert refused == [(0,)]
    assert warehouse.mart_checksums() == shuffled


def test_the_clean_demo_passes_its_own_check(warehouse: Warehouse) -> None:
    code, out, err = warehouse.tally("demo", *SHORT)
    assert (code, err) == (0, "")
    for answer in ("What happened", "Who is on top", "settled right", "money add up"):
        assert answer in out

    assert warehouse.tally("check")[0] == 0


def test_planted_faults_are_named_and_hold_their_systems_only(warehouse: Warehouse) -> None:
    code, out, _ = warehouse.tally("demo", *SHORT, "--faults")
    assert code == 1
    code, out, _ = warehouse.tally("check", "--format", "json")
    assert code == 1
    planted = json.loads((warehouse.landing.parent / "planted_faults.json").read_text(encoding="utf-8"))
    failed = warehouse.fetch("select rule_id from audit.gate_state where severity = 'critical' and status <> 'passed'")

    assert {rule for (rule,) in failed} == {fault["rule_id"] for fault in planted}
    assert len({fault["rule_id"] for fault in planted}) == 11
    assert all(fault["rule_id"] in out for fault in planted)
    built = {system for (system,) in warehouse.fetch("select distinct system from marts.fct_events")}
    assert built == {"hermes"}


def test_marts_of_a_held_system_keep_their_last_good_state(warehouse: Warehouse, systems: tuple[System, ...]) -> None:
    write_sample(warehouse.landing, systems, days=DAYS)
    warehouse.tally("run")
    before = warehouse.mart_checksums()
    wrong = {
        "id": "00000000-0000-4000-8000-000000000001",
        "tx_ref": "00000000-0000-4000-8000-000000000002",
        "account_id": "PLATFORM_TREASURY",
        "direction": "CREDIT",
        "amount_nano": 1,
        "created_at": "2026-06-30T12:00:00Z",
    }
    deliver(warehouse.landing, "advert_market/ledger_entries", json.dumps(wrong).encode())
    code, out, err = warehouse.tally("run")

    assert code == 1
    assert "advert_market is held back by C-01, C-02, C-04" in out + err
    assert warehouse.mart_checksums() == before


def deliver(landing: Path, table: str, content: bytes, name: str = "extra.ndjson") -> Path:
    path = landing / table / "date=2026-07-02" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def like(number: int) -> str:
    ids = [f"00000000-0000-4000-8000-{part:012d}" for part in (number, 1, 2)]
    row = {
        "id": ids[0],
        "user_id": ids[1],
        "target_type": "idea",
        "target_id": ids[2],
        "created_at": "2026-07-01T00:00:00Z",
    }
    return json.dumps(row) + "\n"


def test_a_file_with_broken_lines_loads_the_good_ones_and_says_so(warehouse: Warehouse) -> None:
    broken = "{broken\n" + like(2).replace("2026-07-01T00:00:00Z", "yesterday")
    deliver(warehouse.landing, "storyforge/likes", (like(1) + broken + like(3)).encode())
    code, out, _ = warehouse.tally("run")

    assert code == 0
    assert "2" in out
    assert "quarantine" in out
    assert warehouse.fetch("select count(*) from raw_storyforge.likes") == [(2,)]
    code, listing, _ = warehouse.tally("quarantine", "list")
    assert code == 0
    for words in ("extra.ndjson", "json", "type", "created_at is 'yesterday'"):
        assert words in " ".join(listing.split())


def test_a_truncated_file_keeps_nothing_stops_nothing_and_exits_1(warehouse: Warehouse) -> None:
    whole = gzip.compress("".join(map(like, range(1, 200))).encode())
    deliver(warehouse.landing, "storyforge/likes", whole[:-30], name="cut.ndjson.gz")
    deliver(warehouse.landing, "storyforge/likes", like(500).encode())
    code, out, err = warehouse.tally("run")

    assert code == 1
    assert "cut.ndjson.gz" in out + err
    assert "cut short" in out + err
    assert warehouse.fetch("select count(*) from raw_storyforge.likes") == [(1,)]
    assert warehouse.fetch("select count(*) from marts.fct_events") == [(1,)]


SHOP = """\
apiVersion: v3.1.0
kind: DataContract
id: tally.shop
name: shop
version: 1.0.0
status: active
schema:
  - name: sales
    description: One row per sale.
    customProperties:
      - {property: loadMode, value: append}
    properties:
      - {name: id, logicalType: integer, physicalType: bigint, required: true, primaryKey: true, description: Key.}
      - {name: price, logicalType: integer, physicalType: bigint, description: Cents.}
"""


def test_a_sixth_system_is_a_contract_and_no_python(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "contracts"
    folder.mkdir()
    (folder / "shop.odcs.yaml").write_text(SHOP)
    monkeypatch.setenv("TALLY_CONTRACTS", str(folder))
    deliver(warehouse.landing, "shop/sales", b'{"id": 1, "price": 250}\n')
    code, _, _ = warehouse.tally("run")

    assert code == 0
    assert warehouse.fetch("select id, price from raw_shop.sales") == [(1, 250)]
