"""What verifying tells of rows that were changed behind Tally's back, by somebody whom no trigger holds."""

from typing import Any

import pytest

from ingest.seal_file import Archived
from tests.ingest.sealed import APRIL, JUNE, LEDGER_TABLE, MAY, Vault, activity, evidence, key, ledger
from tests.ingest.zone import ndjson

EVIDENCE, ACTIVITY = "raw_advert_market.dispute_evidence", "raw_synapse.activity_log"
LIST = "seals_advert_market.ledger_entries"
# Of an append table of each kind: the relation, its rows, how a key is written, what an edit and a copy of a row are.
PARTITIONED = ("advert_market.ledger_entries", ledger(1, 2, 3), key, "amount_nano = 99")
WHOLE = ("advert_market.dispute_evidence", [evidence(n) for n in (1, 2, 3)], key, "submitted_by = 99")
PERSONAL = ("synapse.activity_log", [activity(n) for n in (1, 2, 3)], str, "xp_delta = 99")
each_kind = pytest.mark.parametrize(
    ("table", "rows", "spelt", "edit"), [PARTITIONED, WHOLE, PERSONAL], ids=["partitioned", "whole", "personal"]
)


def sealed(vault: Vault, rows: list[dict[str, Any]], table: str = "advert_market.ledger_entries") -> None:
    vault.deliver(*rows, table=table)
    assert not vault.seal().problems
    assert vault.findings() == []


def month(table: str) -> str | None:
    return None if table.endswith("evidence") else "2026-05"


@each_kind
def test_an_edited_row_is_named(vault: Vault, table: str, rows: list[Any], spelt: Any, edit: str) -> None:
    sealed(vault, rows, table)
    vault.tamper(f"update raw_{table} set {edit} where id = {spelt(2)}")

    [found] = vault.verify().findings
    assert (found.what, found.system, found.month, found.rows) == ("edited", table.partition(".")[0], month(table), 1)
    assert [str(value)[-1] for named in found.keys for value in named.values()] == ["2"]
    assert found.files == (f"{table.replace('.', '/')}/date=2026-06-01/part.ndjson",)


@each_kind
def test_a_deleted_row_is_named(vault: Vault, table: str, rows: list[Any], spelt: Any, edit: str) -> None:
    sealed(vault, rows, table)
    vault.tamper(f"delete from raw_{table} where id = {spelt(3)}")

    [(what, name, when, count, _)] = vault.findings()
    assert (what, name, when, count) == ("deleted", table.partition(".")[2], month(table), 1)


@each_kind
def test_a_row_inserted_under_an_old_load_is_named(
    vault: Vault, table: str, rows: list[Any], spelt: Any, edit: str
) -> None:
    sealed(vault, rows, table)
    vault.tamper(
        f"create temporary table copied as select * from raw_{table} where id = {spelt(1)}",
        f"update copied set id = {spelt(4)}",
        f"insert into raw_{table} select * from copied",
    )

    [(what, name, when, count, keys)] = vault.findings()
    assert (what, name, when, count) == ("inserted", table.partition(".")[2], month(table), 1)
    assert str(keys[0]) == "4"


@each_kind
def test_every_column_of_every_kind_is_sealed(vault: Vault, table: str, rows: list[Any], spelt: Any, edit: str) -> None:
    sealed(vault, rows, table)
    for column in [*vault.table(table).columns, None]:
        name = column.name if column else "_load_id"
        kind = column.type if column else "bigint"
        other = {"uuid": key(77), "timestamptz": "'2026-05-20Z'", "jsonb": "'[1]'", "bigint": "77", "integer": "77"}
        value = other.get(kind, "'DEBI'")
        connection = vault.zone.connection
        vault.tamper(f"create table kept as select * from raw_{table}")
        vault.tamper(f"update raw_{table} set {name} = {value} where id = {spelt(2)}")
        assert vault.findings() != [], name
        vault.tamper(f"delete from raw_{table}", f"insert into raw_{table} select * from kept")
        connection.execute("drop table kept")
        assert vault.findings() == []


def test_two_rows_that_exchanged_their_contents_are_told_as_swapped(vault: Vault) -> None:
    sealed(vault, [*ledger(1, 2, 3), *ledger(4, at=APRIL)])
    vault.tamper(
        f"update {LEDGER_TABLE} t set amount_nano = o.amount_nano, created_at = o.created_at from {LEDGER_TABLE} o"
        f" where t.id in ({key(1)}, {key(2)}) and o.id in ({key(1)}, {key(2)}) and t.id <> o.id",
    )

    assert vault.findings() == [("swapped", "ledger_entries", "2026-05", 2, [1, 2])]


def test_rows_swapped_across_months_are_told_as_swapped(vault: Vault) -> None:
    sealed(vault, [*ledger(1, 2), *ledger(4, at=APRIL)])
    vault.tamper(
        f"update {LEDGER_TABLE} set id = {key(50)} where id = {key(1)}",
        f"update {LEDGER_TABLE} set id = {key(1)} where id = {key(4)}",
        f"update {LEDGER_TABLE} set id = {key(4)} where id = {key(50)}",
    )

    assert vault.findings() == [
        ("swapped", "ledger_entries", "2026-04", 1, [4]),
        ("swapped", "ledger_entries", "2026-05", 1, [1]),
    ]


def test_a_row_that_was_moved_to_another_month_was_edited_once(vault: Vault) -> None:
    sealed(vault, [*ledger(1, 2), *ledger(3, at=JUNE)])
    vault.tamper(f"update {LEDGER_TABLE} set created_at = '{JUNE}' where id = {key(1)}")

    assert vault.findings() == [("edited", "ledger_entries", "2026-05", 1, [1])]


@pytest.mark.parametrize("at", ["2026-05-11T00:00:00Z", JUNE])
def test_a_second_row_under_a_sealed_key_was_inserted(vault: Vault, at: str) -> None:
    sealed(vault, [*ledger(1, 2), *ledger(3, at=JUNE)])
    vault.tamper(
        f"insert into {LEDGER_TABLE} select id, tx_ref, account_id, direction, amount_nano, deal_id, description,"
        f" '{at}', _load_id from {LEDGER_TABLE} where id = {key(1)}"
    )

    [(what, _, when, count, keys)] = vault.findings()
    assert (what, when, count, keys) == ("inserted", at[:7], 1, [1])


def test_everything_is_counted_and_some_of_it_named(vault: Vault) -> None:
    sealed(vault, ledger(*range(1, 31)))
    vault.tamper(f"update {LEDGER_TABLE} set description = 'x'")

    [found] = vault.verify(keys_shown=3).findings
    assert (found.rows, len(found.keys)) == (30, 3)


def test_a_value_that_moves_to_the_next_column_is_an_edit(vault: Vault) -> None:
    sealed(vault, ledger(1, description=""))
    vault.tamper(f"update {LEDGER_TABLE} set description = null, account_id = 'EXTERNAL_TON'")

    assert [what for what, *_ in vault.findings()] == ["edited"]


def test_a_flipped_bit_in_the_list_is_told_from_one_in_a_row(vault: Vault) -> None:
    sealed(vault, ledger(1, 2, 3))
    vault.tamper(f"update {LIST} set _content = set_bit(_content, 0, 1 - get_bit(_content, 0)) where id = {key(2)}")

    [found] = vault.verify().findings
    assert (found.what, found.rows, [named["id"][-1] for named in found.keys]) == ("list", 1, ["2"])
    assert "the rows themselves are as they were sealed" in found.detail


def test_a_lost_entry_of_the_list_does_not_accuse_the_row(vault: Vault) -> None:
    sealed(vault, ledger(1, 2, 3))
    vault.tamper(f"delete from {LIST} where id = {key(2)}")

    [found] = vault.verify().findings
    assert (found.what, found.rows, [named["id"][-1] for named in found.keys]) == ("list", 1, ["2"])
    assert "the rows themselves are as they were sealed" in found.detail


def test_an_edited_row_whose_entry_was_edited_with_it_is_not_hidden(vault: Vault) -> None:
    sealed(vault, ledger(1, 2, 3))
    vault.tamper(f"update {LEDGER_TABLE} set amount_nano = 99 where id = {key(2)}")
    vault.tamper(f"update {LIST} set _content = '\\x00' where id = {key(2)}")

    assert [what for what, *_ in vault.findings()] == ["edited", "list"] or [what for what, *_ in vault.findings()] == [
        "list",
        "edited",
    ]


def test_a_row_that_is_gone_with_its_entry_is_missed(vault: Vault) -> None:
    sealed(vault, ledger(1, 2, 3))
    vault.tamper(f"delete from {LEDGER_TABLE} where id = {key(2)}")
    vault.tamper(f"delete from {LIST} where id = {key(2)}")

    [found] = vault.verify().findings
    assert (found.what, found.month) == ("list", "2026-05")
    assert "the rows do not give its root either" in found.detail


def test_a_row_that_was_inserted_with_an_entry_is_found(vault: Vault) -> None:
    sealed(vault, ledger(1, 2, 3))
    vault.tamper(
        f"insert into {LEDGER_TABLE} select {key(4)}, tx_ref, account_id, direction, amount_nano, deal_id, description,"
        f" created_at, _load_id from {LEDGER_TABLE} where id = {key(1)}"
    )
    vault.tamper(
        f"insert into {LIST} select _month, 7, {key(4)}::uuid, _load_id, _version, _content from {LIST}"
        f" where id = {key(1)}"
    )

    assert [(what, when) for what, _, when, *_ in vault.findings()] == [("list", "2026-05")]


def test_a_list_that_is_gone_leaves_what_the_rows_say(vault: Vault) -> None:
    sealed(vault, [*ledger(1, 2, 3), *ledger(4, at=APRIL)])
    vault.tamper(f"delete from {LIST}")
    vault.tamper(f"update {LEDGER_TABLE} set amount_nano = 9 where id = {key(4)}")

    found = {finding.month: finding.detail for finding in vault.verify().findings if finding.what == "list"}
    assert "the rows themselves are as they were sealed" in found["2026-05"]
    assert "do not give its root either" in found["2026-04"]


@pytest.mark.parametrize("how", ["drop table {}", "alter table " + LEDGER_TABLE + " detach partition {}"])
def test_a_partition_that_is_gone_is_missing_and_none_of_its_rows_deleted(vault: Vault, how: str) -> None:
    sealed(vault, [*ledger(1, 2), *ledger(3, at=APRIL)])
    vault.zone.connection.execute(how.format(f"{LEDGER_TABLE}_2026_04").encode())

    [found] = vault.verify().findings
    assert (found.what, found.month, found.rows) == ("missing", "2026-04", 1)
    assert "tally seal --archived advert_market.ledger_entries/2026-04" in found.detail

    vault.seal(Archived("advert_market", "ledger_entries", "2026-04"))
    verified = vault.verify()
    assert (verified.findings, verified.archived_months) == ([], 1)


def test_an_archived_month_that_comes_back_is_verified_again(vault: Vault) -> None:
    sealed(vault, [*ledger(1, 2), *ledger(3, at=APRIL)])
    april = f"{LEDGER_TABLE}_2026_04"
    vault.zone.connection.execute(f"alter table {LEDGER_TABLE} detach partition {april}".encode())
    vault.seal(Archived("advert_market", "ledger_entries", "2026-04"))
    vault.tamper(f"update {april} set amount_nano = 9")
    vault.zone.connection.execute(
        f"alter table {LEDGER_TABLE} attach partition {april} for values from ('2026-04-01Z') to ('2026-05-01Z')"
    )

    assert vault.findings() == [("edited", "ledger_entries", "2026-04", 1, [3])]


def test_a_row_inserted_into_a_month_of_its_own_is_named(vault: Vault) -> None:
    sealed(vault, ledger(1, 2))
    connection = vault.zone.connection
    connection.execute(
        f"create table {LEDGER_TABLE}_2026_02 partition of {LEDGER_TABLE}"
        " for values from ('2026-02-01Z') to ('2026-03-01Z')"
    )
    vault.tamper(
        f"insert into {LEDGER_TABLE} select {key(4)}, tx_ref, account_id, direction, amount_nano, deal_id, description,"
        f" '2026-02-02Z', _load_id from {LEDGER_TABLE} where id = {key(1)}"
    )

    assert vault.findings() == [("inserted", "ledger_entries", "2026-02", 1, [4])]


def test_a_row_slipped_into_a_load_that_no_seal_has_is_counted_and_never_sealed(vault: Vault) -> None:
    sealed(vault, ledger(1, 2))
    vault.deliver(*ledger(3), name="later.ndjson")
    vault.tamper(
        f"insert into {LEDGER_TABLE} select {key(4)}, tx_ref, account_id, direction, amount_nano, deal_id, description,"
        f" created_at, _load_id from {LEDGER_TABLE} where id = {key(3)}"
    )

    [(what, _, _, rows, keys)] = vault.findings()
    assert (what, rows, keys) == ("inserted", 1, [])
    done = vault.seal()
    assert done.seal is None
    assert "1 row more than load 2 brought" in done.problems[0]


def test_a_row_of_a_load_that_never_was_is_found(vault: Vault) -> None:
    sealed(vault, ledger(1, 2))
    vault.tamper(
        f"insert into {LEDGER_TABLE} select {key(4)}, tx_ref, account_id, direction, amount_nano, deal_id, description,"
        f" created_at, 4711 from {LEDGER_TABLE} where id = {key(1)}"
    )

    assert [what for what, *_ in vault.findings()] == ["inserted"]


@pytest.mark.parametrize(
    "setting",
    [
        "timezone = 'Asia/Kathmandu'",
        "datestyle = 'SQL, DMY'",
        "intervalstyle = 'iso_8601'",
        "extra_float_digits = -15",
        "bytea_output = 'escape'",
        "search_path = 'pg_temp'",
        "default_transaction_isolation = 'serializable'",
    ],
)
def test_no_setting_of_a_session_breaks_a_seal(vault: Vault, setting: str) -> None:
    vault.deliver(*ledger(1, 2, 3))
    vault.deliver(activity(1), table="synapse.activity_log")
    vault.seal()
    vault.deliver(*ledger(4), name="more.ndjson")
    vault.zone.connection.execute(f"set {setting}".encode())
    vault.zone.connection.commit()

    assert vault.findings() == []
    assert vault.seal().seal
    vault.zone.connection.execute("reset all")
    assert vault.findings() == []


def test_late_rows_of_a_sealed_month_break_nothing(vault: Vault) -> None:
    sealed(vault, ledger(1, 2, at=APRIL))
    vault.deliver(*ledger(3, at=APRIL), *ledger(4, at=MAY), name="late.ndjson")
    assert vault.findings() == []
    vault.seal()
    assert vault.findings() == []
    vault.tamper(f"update {LEDGER_TABLE} set amount_nano = 9 where id in ({key(1)}, {key(3)})")
    assert vault.findings() == [("edited", "ledger_entries", "2026-04", 2, [1, 3])]


def test_rows_that_a_replay_let_in_break_nothing_and_the_next_seal_takes_them_in(vault: Vault) -> None:
    from ingest.quarantine import Selection
    from ingest.replay import replay_rows

    late = ledger(3)[0] | {"direction": "SIDEWAYS"}
    vault.zone.deliver("advert_market.ledger_entries", ndjson(*ledger(1, 2), late))
    vault.zone.load()
    vault.seal()
    connection = vault.zone.connection
    connection.execute("update ingest.quarantine set raw = convert_to(replace(convert_from(raw, 'UTF8'), 'SIDEWAYS',"
                       " 'DEBIT'), 'UTF8')")  # fmt: skip
    connection.commit()
    [replay] = replay_rows(connection, vault.zone.systems, Selection())
    assert replay.accepted == 1

    verified = vault.verify()
    assert (verified.findings, verified.replayed_rows) == ([], 1)
    assert vault.seal().seal
    verified = vault.verify()
    assert (verified.findings, verified.rows, verified.replayed_rows) == ([], 3, 0)
    vault.tamper(f"delete from {LEDGER_TABLE} where id = {key(3)}")
    assert vault.findings() == [("deleted", "ledger_entries", "2026-05", 1, [3])]


def test_a_forged_replay_cannot_bring_more_rows_than_were_refused(vault: Vault) -> None:
    sealed(vault, ledger(1, 2))
    vault.tamper(
        f"insert into {LEDGER_TABLE} select {key(4)}, tx_ref, account_id, direction, amount_nano, deal_id, description,"
        f" created_at, _load_id from {LEDGER_TABLE} where id = {key(1)}"
    )
    vault.tamper(
        "update ingest.loads set rows_read = rows_read + 1, rows_accepted = rows_accepted + 1, replayed_at = now()"
    )

    assert vault.findings() == [("inserted", "ledger_entries", "2026-05", 1, [4])]
    assert vault.seal().seal is None


def test_verifying_changes_nothing_and_needs_no_more_than_reading(vault: Vault) -> None:
    sealed(vault, ledger(1, 2))
    before = vault.file.path.read_bytes()
    vault.verify()

    assert vault.file.path.read_bytes() == before
    assert vault.zone.fetch("select count(*) from audit.seals") == [(1,)]


def test_an_unsealed_warehouse_verifies_nothing(vault: Vault) -> None:
    vault.deliver(*ledger(1))

    verified = vault.verify()
    assert (verified.seals, verified.tables, verified.findings) == (0, 0, [])
