"""Sealing: what enters a seal, what does not, and that a seal is whole or not there, whatever is killed when."""

import json

import psycopg
import pytest

from ingest.errors import ConfigurationError, TallyError
from ingest.schema import ensure_schemas
from ingest.seal_file import Archived, SealFile
from tests.ingest.sealed import APRIL, LEDGER_TABLE, Vault, key, ledger
from tests.ingest.zone import entry


def sealed_rows(vault: Vault) -> dict[str, int]:
    """Rows by table and month over all lines of the file."""
    found: dict[str, int] = {}
    for seal in vault.file.read()[0]:
        for table in seal.tables:
            for tree in table.trees:
                place = f"{table.table} {tree.month}"
                found[place] = found.get(place, 0) + tree.rows
    return found


def test_a_seal_has_a_tree_for_each_month_of_a_table(vault: Vault) -> None:
    vault.deliver(*ledger(1, 2), *ledger(3, at=APRIL))
    done = vault.seal()

    assert done.seal
    assert [(t.table, [(tree.month, tree.rows) for tree in t.trees]) for t in done.seal.tables] == [
        ("ledger_entries", [("2026-04", 1), ("2026-05", 2)])
    ]
    assert vault.zone.fetch("select seal, month::text, rows, upto_load from audit.seal_trees order by month") == [
        (1, "2026-04-01", 1, 1),
        (1, "2026-05-01", 2, 1),
    ]


def test_a_second_seal_is_over_the_new_rows_alone(vault: Vault) -> None:
    vault.deliver(*ledger(1, 2))
    vault.seal()
    first = vault.file.path.read_bytes()
    vault.deliver(*ledger(3), *ledger(4, at=APRIL), name="late.ndjson")
    done = vault.seal()

    assert done.seal
    assert done.seal.previous == vault.file.read()[0][0].digest
    assert vault.file.path.read_bytes().startswith(first)
    assert sealed_rows(vault) == {"ledger_entries 2026-05": 3, "ledger_entries 2026-04": 1}


def test_nothing_new_makes_no_seal(vault: Vault) -> None:
    assert vault.seal().seal is None
    assert not vault.file.path.exists()
    vault.deliver(*ledger(1))
    assert vault.seal().seal
    assert vault.seal().seal is None
    vault.deliver(*ledger(1), *[entry(1, direction="SIDEWAYS")], name="nothing_new.ndjson")
    assert vault.seal().seal is None


def test_rows_that_may_change_are_not_sealed(vault: Vault) -> None:
    user = {"id": 7, "language_code": "en", "created_at": APRIL, "updated_at": APRIL}
    vault.deliver(user, table="advert_market.users")

    assert vault.zone.loads == []
    assert vault.seal().seal is None


def test_a_root_does_not_depend_on_the_order_in_which_rows_came(vault: Vault, systems: tuple[object, ...]) -> None:
    vault.deliver(*ledger(3, 1, 2))
    vault.seal()
    [[first]] = [table.trees for table in vault.file.read()[0][0].tables]
    vault.zone.connection.execute("cluster raw_advert_market.ledger_entries_2026_05 using ledger_entries_2026_05_pkey")
    for table in ("audit.archived_partitions", "audit.seal_trees", "audit.seals", "seals_advert_market.ledger_entries"):
        vault.zone.connection.execute(f"delete from {table}".encode())
    vault.zone.connection.commit()
    other = Vault(vault.zone, SealFile(vault.file.path.with_name("again.jsonl")))
    other.seal()

    assert [table.trees for table in other.file.read()[0][0].tables] == [(first,)]


def test_a_seal_says_which_columns_and_loads_it_covers(vault: Vault) -> None:
    vault.deliver(*ledger(1), entry(2, direction="SIDEWAYS"))
    vault.seal()
    [line] = [json.loads(line) for line in vault.file.path.read_bytes().splitlines()]

    assert line["tally_seal"] == 1
    [table] = line["tables"]
    assert (table["system"], table["key"], table["upto_load"], table["refused_rows"]) == ("advert_market", ["id"], 1, 1)
    assert table["columns"] == [column.name for column in vault.table("advert_market.ledger_entries").columns]


def test_a_seal_that_fails_leaves_neither_line_nor_entry(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.deliver(*ledger(1))

    def full(_self: SealFile, _seal: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(SealFile, "announce", full)
        vault.seal()
    assert not vault.file.path.exists()
    assert vault.zone.fetch("select count(*) from seals_advert_market.ledger_entries") == [(0,)]
    assert vault.seal().seal
    assert vault.findings() == []


@pytest.mark.parametrize("torn", [0, 10])
def test_a_seal_that_was_killed_after_the_commit_is_finished(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, torn: int
) -> None:
    vault.deliver(*ledger(1))

    def killed(_self: SealFile) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(SealFile, "confirm", killed)
        vault.seal()
    if torn:
        vault.file.path.write_bytes(vault.file.waiting.read_bytes()[:torn])
    assert vault.findings() == []
    assert sealed_rows(vault) == {"ledger_entries 2026-05": 1}
    assert not vault.file.waiting.exists()


def test_a_seal_that_was_killed_before_the_commit_is_forgotten(vault: Vault) -> None:
    vault.deliver(*ledger(1))
    vault.seal()
    vault.deliver(*ledger(2), name="more.ndjson")
    vault.zone.connection.commit()
    before = vault.file.path.read_bytes()
    vault.file.waiting.write_bytes(before)  # whole, but of no seal that the database has beside the one in the file
    vault.file.path.with_name("seals.jsonl.waiting").write_bytes(before.replace(b'"seal":1', b'"seal":2'))

    assert vault.findings() == []
    assert vault.file.path.read_bytes() == before
    assert vault.seal().seal
    assert vault.findings() == []


def test_another_file_than_the_one_of_earlier_seals_is_refused(vault: Vault) -> None:
    vault.deliver(*ledger(1))
    vault.seal()
    vault.deliver(*ledger(2), name="more.ndjson")
    other = Vault(vault.zone, SealFile(vault.file.path.with_name("other.jsonl")))

    with pytest.raises(TallyError, match=r"other.jsonl is not the file of this database's seals: line 1 is not in"):
        other.seal()


def test_only_a_month_that_is_gone_can_be_archived(vault: Vault) -> None:
    vault.deliver(*ledger(1))

    with pytest.raises(ConfigurationError, match="still has its partition of 2026-05; detach it first"):
        vault.seal(Archived("advert_market", "ledger_entries", "2026-05"))
    with pytest.raises(ConfigurationError, match="deals is no append table"):
        vault.seal(Archived("advert_market", "deals", "2026-05"))


def test_loads_wait_for_a_seal_and_a_seal_for_loads(vault: Vault, database: str) -> None:
    vault.deliver(*ledger(1))
    with psycopg.connect(database) as loader:
        loader.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", ("tally advert_market.ledger_entries",))
        vault.zone.connection.execute("set lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            vault.seal()
    assert vault.seal().seal
    assert vault.findings() == []


def test_a_row_edited_before_it_was_sealed_is_sealed_as_it_was_found(vault: Vault) -> None:
    vault.deliver(*ledger(1))
    vault.tamper(f"update {LEDGER_TABLE} set amount_nano = 9 where id = {key(1)}")
    vault.seal()

    assert vault.findings() == []


def test_a_warehouse_that_starts_over_starts_with_empty_lists(vault: Vault) -> None:
    vault.deliver(*ledger(1))
    vault.seal()
    connection = vault.zone.connection
    raw = ", ".join(f"raw_{system.name}" for system in vault.zone.systems)
    connection.execute(f"drop schema audit, ingest, {raw} cascade".encode())
    connection.commit()
    ensure_schemas(connection, vault.zone.systems)
    vault.file.path.unlink()
    vault.zone.load()

    assert vault.seal().seal
    assert vault.findings() == []


def test_a_table_that_was_dropped_and_made_anew_is_missed(vault: Vault) -> None:
    vault.deliver(*ledger(1))
    vault.seal()
    connection = vault.zone.connection
    connection.execute("drop table raw_advert_market.ledger_entries")
    connection.commit()
    ensure_schemas(connection, vault.zone.systems)

    assert vault.findings() == [("missing", "ledger_entries", "2026-05", 1, [])]
