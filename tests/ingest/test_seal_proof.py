"""Proofs of single rows, checked by the script that the README gives to others."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ingest import merkle
from ingest.erase import erase
from ingest.errors import ConfigurationError, TallyError
from ingest.seal_proof import prove
from tests.ingest.sealed import APRIL, LEDGER_TABLE, Vault, activity, key, ledger

LEDGER = "advert_market.ledger_entries"
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
[SCRIPT] = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def proof_of(vault: Vault, number: int, table: str = LEDGER) -> dict[str, Any]:
    vault.zone.connection.commit()
    words = [str(UUID(int=number))] if table == LEDGER else [str(number)]
    return prove(vault.zone.connection, vault.table(table), words, vault.file)


def checked(vault: Vault, proof: dict[str, Any]) -> tuple[int, str]:
    """What the script of the README makes of a proof: its exit code, and what it prints."""
    folder = vault.file.path.parent
    (folder / "check.py").write_text(SCRIPT, encoding="utf-8")
    (folder / "proof.json").write_text(json.dumps(proof), encoding="utf-8")
    words = [sys.executable, "-I", folder / "check.py", folder / "proof.json", vault.file.path]
    done = subprocess.run(words, capture_output=True, text=True, encoding="utf-8", check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def proven(vault: Vault) -> Vault:
    """Eleven sealed postings, some of them in a later seal or another month."""
    vault.deliver(*ledger(*range(1, 8)), *ledger(20, at=APRIL, description='„ä“ "q" \\ \n \x01'))
    vault.seal()
    vault.deliver(*ledger(8, 9, 10), name="more.ndjson")
    vault.seal()
    return vault


def test_the_script_has_thirty_lines_and_needs_nothing() -> None:
    assert len([line for line in SCRIPT.splitlines() if line.strip()]) <= 30
    assert re.findall(r"^(?:import|from) .*", SCRIPT, flags=re.MULTILINE) == ["import hashlib, json, sys"]


@pytest.mark.parametrize("number", [*range(1, 11), 20])
def test_every_row_has_a_proof_that_the_script_accepts(proven: Vault, number: int) -> None:
    proof = proof_of(proven, number)
    code, said = checked(proven, proof)

    assert (code, f'"id":"{UUID(int=number)}"' in said) == (0, True), said
    assert json.loads(proof["content"])["amount_nano"] == str(number)
    siblings = [bytes.fromhex(sibling) for sibling in proof["siblings"]]
    leaf, root = bytes.fromhex(proof["leaf"]), bytes.fromhex(proof["root"])
    assert merkle.is_included(leaf, proof["index"], proof["size"], siblings, root)


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("content", "{}"),
        ("key", '{"_load_id":"1","id":"00000000-0000-0000-0000-000000000003"}'),
        ("index", 3),
        ("siblings", []),
        ("siblings", ["00" * 32] * 3),
        ("seal", 2),
    ],
)
def test_the_script_refuses_a_proof_that_was_changed(proven: Vault, part: str, other: object) -> None:
    assert checked(proven, proof_of(proven, 2) | {part: other})[0] == 1


def test_the_script_refuses_a_file_whose_chain_is_broken(proven: Vault) -> None:
    proof = proof_of(proven, 2)
    proven.file.path.write_bytes(proven.file.path.read_bytes().replace(b'"refused_rows":0', b'"refused_rows":1', 1))

    code, said = checked(proven, proof)
    assert code == 1
    assert "line 2 does not follow the line before it" in said


def test_an_edited_row_has_no_proof(proven: Vault) -> None:
    proven.tamper(f"update {LEDGER_TABLE} set amount_nano = 9 where id = {key(2)}")

    with pytest.raises(TallyError, match="is not what it was when it was sealed"):
        proof_of(proven, 2)
    assert checked(proven, proof_of(proven, 3))[0] == 0


def test_a_deleted_row_has_no_proof(proven: Vault) -> None:
    proven.tamper(f"delete from {LEDGER_TABLE} where id = {key(2)}")

    with pytest.raises(TallyError, match="is gone, and was there when it was sealed"):
        proof_of(proven, 2)


def test_a_tampered_list_gives_no_proof(proven: Vault) -> None:
    proven.tamper(f"delete from seals_{LEDGER} where id = {key(3)}")

    with pytest.raises(TallyError, match="What the database lists"):
        proof_of(proven, 2)


def test_a_tampered_file_gives_no_proof(proven: Vault) -> None:
    proven.file.path.write_bytes(proven.file.path.read_bytes().replace(b'"refused_rows":0', b'"refused_rows":1', 1))

    with pytest.raises(TallyError, match="proves nothing"):
        proof_of(proven, 2)


def test_a_row_that_is_not_sealed_or_not_there_is_told_apart(proven: Vault) -> None:
    proven.deliver(*ledger(11), name="unsealed.ndjson")

    with pytest.raises(ConfigurationError, match="is not sealed yet; `tally seal` does that"):
        proof_of(proven, 11)
    with pytest.raises(ConfigurationError, match="There is no"):
        proof_of(proven, 12)


def test_a_proof_shows_nothing_personal_and_outlives_an_erasure(vault: Vault) -> None:
    activities = "synapse.activity_log"
    vault.deliver(activity(1), activity(2), table=activities)
    vault.seal()
    before = proof_of(vault, 2, activities)
    erase(vault.zone.connection, vault.table(activities), {"id": "2"})

    assert "said" not in json.dumps(before)
    assert proof_of(vault, 2, activities) == before
    assert checked(vault, before)[0] == 0
