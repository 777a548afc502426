"""`tally seal`, `verify`, `prove` and `erase` as a person meets them, and the nightly job that does the first two."""

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from dagster_project.resources import Warehouse as Resource
from dagster_project.sealing import CHECK, seals
from tests.conftest import Warehouse
from tests.ingest.sealed import LEDGER_TABLE, activity, key, ledger
from tests.ingest.zone import ndjson

ENTRY = key(2).strip("'")


@pytest.fixture
def loaded(warehouse: Warehouse) -> Warehouse:
    """Three postings and two rows of activity, loaded."""
    for table, rows in (
        ("advert_market/ledger_entries", ledger(1, 2, 3)),
        ("synapse/activity_log", [activity(1), activity(2)]),
    ):
        folder = warehouse.landing / table / "date=2026-06-01"
        folder.mkdir(parents=True)
        (folder / "part.ndjson").write_bytes(ndjson(*rows))
    assert warehouse.tally("load")[0] == 0
    return warehouse


@pytest.fixture
def tampering(loaded: Warehouse) -> Iterator[psycopg.Connection]:
    """A connection of somebody whom no trigger holds; what it does is committed."""
    with psycopg.connect(loaded.database, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        yield connection


def test_sealing_prints_rows_and_root_of_each_month(loaded: Warehouse, tmp_path: Path) -> None:
    code, out, err = loaded.tally("seal")

    assert (code, err) == (0, "")
    [tree] = [line.split() for line in out.splitlines() if line.startswith("advert_market")]
    assert tree[:4] == ["advert_market", "ledger_entries", "2026-05", "3"]
    [line] = (tmp_path / "home" / "seals.jsonl").read_text().splitlines()
    assert tree[4] in line
    assert "5 rows, digest " in out
    assert loaded.tally("seal")[1] == "There is nothing new to seal.\n"


def test_status_tells_what_is_sealed_and_how_much_is_not_yet(loaded: Warehouse) -> None:
    assert "Seals" not in loaded.tally("status")[1]
    loaded.tally("seal")
    folder = loaded.landing / "advert_market/ledger_entries" / "date=2026-06-02"
    folder.mkdir(parents=True)
    (folder / "part.ndjson").write_bytes(ndjson(*ledger(4, 5)))
    loaded.tally("load")

    _, _, out = loaded.tally("status")[1].partition("Seals")
    lines = [line.replace("│", " ").split()[:5] for line in out.splitlines()]
    assert ["advert_market", "1", "3", "2", "1"] in lines  # one table: 3 rows sealed, 2 not yet, by the first seal
    assert ["synapse", "1", "2", "0", "1"] in lines


def test_verifying_is_silent_about_what_is_well_and_exits_with_0(loaded: Warehouse) -> None:
    loaded.tally("seal")
    code, out, err = loaded.tally("verify")

    assert (code, err) == (0, "")
    assert out.startswith("5 rows of 2 tables in 1 seal verified: all are there and as they were sealed.")


def test_verifying_names_a_changed_row_and_the_file_that_has_it_as_it_was(
    loaded: Warehouse, tampering: psycopg.Connection
) -> None:
    loaded.tally("seal")
    tampering.execute(f"update {LEDGER_TABLE} set amount_nano = 9 where id = {key(2)}".encode())
    code, out, _ = loaded.tally("verify")

    assert code == 1
    assert out.splitlines()[:4] == [
        "advert_market.ledger_entries, 2026-05: 1 row edited",
        "  not what was sealed",
        f"  id={ENTRY}",
        "  as delivered in advert_market/ledger_entries/date=2026-06-01/part.ndjson",
    ]
    code, out, _ = loaded.tally("verify", "--json")
    [finding] = json.loads(out)["findings"]
    assert (code, finding["what"], finding["rows"], finding["keys"]) == (1, "edited", 1, [{"id": ENTRY}])


def test_a_named_seal_file_is_used(loaded: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "s.jsonl"
    loaded.tally("seal", "--file", str(path))

    assert path.exists()
    assert loaded.tally("verify", "--file", str(path))[0] == 0
    code, out, _ = loaded.tally("verify")
    assert code == 1
    assert "line 1 is not in the file, and the database knows of it" in out


def test_there_must_be_a_seal_to_verify(loaded: Warehouse) -> None:
    code, _, err = loaded.tally("verify")

    assert code == 2
    assert "`tally seal` makes one" in err


def test_a_proof_is_json(loaded: Warehouse) -> None:
    loaded.tally("seal")
    code, out, _ = loaded.tally("prove", "advert_market.ledger_entries", ENTRY)

    assert code == 0
    assert json.loads(out)["size"] == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("prove", "advert_market.deals", ENTRY), "advert_market.deals is no append table; those are "),
        (("prove", "advert_market.ledger_entries", ENTRY, "2"), "The key of advert_market.ledger_entries is id;"),
        (("prove", "advert_market.ledger_entries", "two"), "cannot be a key: invalid input syntax for type uuid"),
        (("erase", "synapse.activity_log", "--where", "id"), "--where takes COLUMN=VALUE"),
        (("seal", "--archived", "advert_market.ledger_entries"), "write SYSTEM.TABLE/YYYY-MM"),
        (("seal", "--archived", "advert_market.ledger_entries/2026-05"), "still has its partition of 2026-05"),
    ],
)
def test_wrong_use_is_one_sentence(loaded: Warehouse, words: tuple[str, ...], said: str) -> None:
    code, _, err = loaded.tally(*words)

    assert code == 2
    assert said in err


def test_an_erased_person_is_counted_and_no_finding(loaded: Warehouse) -> None:
    loaded.tally("seal")
    code, out, _ = loaded.tally("erase", "synapse.activity_log", "--where", "id=2", "--where", "user_id=1")
    assert (code, out.splitlines()[0]) == (0, "1 row of synapse.activity_log erased (metadata), 1 of them sealed.")

    code, out, _ = loaded.tally("verify")
    assert code == 0
    assert "1 row erased, their seals kept." in out


def test_the_nightly_job_seals_and_verifies(loaded: Warehouse, tampering: psycopg.Connection) -> None:
    def run() -> dg.ExecuteInProcessResult:
        return dg.materialize([seals], resources={"warehouse": Resource()})

    [check] = run().get_asset_check_evaluations()
    assert (check.check_name, check.passed, check.metadata["verified_rows"].value) == (CHECK, True, 5)

    tampering.execute(f"delete from {LEDGER_TABLE} where id = {key(2)}".encode())
    [check] = run().get_asset_check_evaluations()
    assert not check.passed
    assert check.metadata["advert_market.ledger_entries 2026-05: deleted"].value == 1


def test_analysts_see_no_salt_and_no_commitment(loaded: Warehouse) -> None:
    loaded.tally("seal")

    assert "permission denied" in loaded.tally("sql", "select * from seals_synapse.activity_log")[2]
    assert loaded.tally("sql", "select count(*) from audit.seal_trees", "--format", "csv")[1].split() == ["count", "2"]
