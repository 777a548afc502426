"""The rule that seals give: what it waits for, and what it does not mistake for tampering."""

from pathlib import Path

import psycopg
import pytest

from expectations.catalogue import rule, rules_for
from expectations.run import check
from expectations.seals import seals_rule
from ingest.contract import System
from ingest.seal_file import Archived, SealFile
from tests.ingest.sealed import APRIL, LEDGER_TABLE, Vault, key, ledger
from tests.ingest.zone import Zone


@pytest.fixture
def vault(connection: psycopg.Connection, systems: tuple[System, ...], tmp_path: Path) -> Vault:
    return Vault(Zone(tmp_path / "landing", connection, systems), SealFile(tmp_path / "seals.jsonl"))


def verdict(database: str, rule_id: str = "C-20") -> tuple[str, list[str | None]]:
    [result] = check(database, [rule(rule_id)])
    return result.status, [sample.subject for sample in result.samples]


def test_every_append_table_has_one_rule(systems: tuple[System, ...]) -> None:
    for system in systems:
        judged = [table for each in rules_for(system) if each.needs_seal for table in each.tables]
        assert sorted(judged) == sorted(table.name for table in system.tables if table.load_mode == "append")


def test_a_system_without_append_tables_has_none(systems: tuple[System, ...]) -> None:
    everything = [table.name for table in systems[0].tables]

    assert seals_rule(systems[0], but=everything) is None


def test_the_rule_waits_for_the_first_seal(vault: Vault, database: str) -> None:
    vault.deliver(*ledger(1))
    [result] = check(database, [rule("C-20")])

    assert (result.status, result.message) == ("not_applicable", "no row was sealed yet; `tally seal` does that")


def test_a_table_that_was_never_delivered_holds_nothing_up(vault: Vault, database: str) -> None:
    vault.deliver(*ledger(1))
    vault.seal()
    vault.deliver(*ledger(2), *ledger(3, at=APRIL), name="late.ndjson")

    assert verdict(database) == ("passed", [])


def test_what_was_changed_is_named_with_its_month(vault: Vault, database: str) -> None:
    vault.deliver(*ledger(1, 2))
    vault.seal()
    vault.tamper(f"update {LEDGER_TABLE} set amount_nano = 9 where id = {key(2)}")
    [result] = check(database, [rule("C-20")])

    [sample] = result.samples
    assert (result.status, sample.subject) == ("failed", f"ledger_entries {key(2)}".replace("'", ""))
    assert sample.evidence == {"what": "edited", "seal": 1, "load": 1}


def test_an_archived_month_is_not_missed_and_any_other_is(vault: Vault, database: str) -> None:
    vault.deliver(*ledger(1, 2), *ledger(3, at=APRIL))
    vault.seal()
    connection = vault.zone.connection
    connection.execute(f"alter table {LEDGER_TABLE} detach partition {LEDGER_TABLE}_2026_04".encode())
    connection.commit()
    assert verdict(database)[0] == "failed"

    vault.seal(Archived("advert_market", "ledger_entries", "2026-04"))
    assert verdict(database) == ("passed", [])
