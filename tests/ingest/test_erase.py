"""Erasing a person from rows that are for ever, without breaking the seals over them."""

import pytest

from ingest.erase import Erasure, erase
from ingest.errors import ConfigurationError
from tests.ingest.sealed import Vault, activity, evidence, key, ledger

ACTIVITY, EVIDENCE = "synapse.activity_log", "advert_market.dispute_evidence"


@pytest.fixture
def people(vault: Vault) -> Vault:
    """Sealed activity of two members, and evidence."""
    vault.deliver(
        activity(1), activity(2, user_id=2), activity(3, metadata=None), activity(4, user_id=2), table=ACTIVITY
    )
    vault.deliver(evidence(1), evidence(2), table=EVIDENCE)
    assert vault.seal().seal
    return vault


def erased(vault: Vault, table: str, **where: str) -> Erasure:
    vault.zone.connection.commit()
    return erase(vault.zone.connection, vault.table(table), where)


def test_an_erased_person_breaks_no_seal(people: Vault) -> None:
    assert erased(people, ACTIVITY, user_id="2") == Erasure(2, 2)

    verified = people.verify()
    assert (verified.findings, verified.erased_rows) == ([], 2)
    assert people.zone.fetch("select id, metadata from raw_synapse.activity_log order by id") == [
        (1, {"said": "hi"}),
        (2, None),
        (3, None),
        (4, None),
    ]
    assert people.zone.fetch("select count(*) from seals_synapse.activity_log where _salt is not null") == [(1,)]


def test_a_value_that_may_not_be_null_is_emptied(people: Vault) -> None:
    assert erased(people, EVIDENCE, id=key(1).strip("'")) == Erasure(1, 1)

    assert people.findings() == []
    assert people.zone.fetch("select content from raw_advert_market.dispute_evidence order by id")[0] == ({},)


def test_a_second_erasure_finds_nothing(people: Vault) -> None:
    erased(people, ACTIVITY, user_id="2")

    assert erased(people, ACTIVITY, user_id="2") == Erasure(0, 0)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ('metadata = \'{"said": "no"}\'', "edited"),
        ("metadata = null", "edited"),
        ("xp_delta = 99", "edited"),
    ],
    ids=["another value", "no value, and the salt still there", "what is not personal"],
)
def test_an_edit_of_a_sealed_person_is_told_from_an_erasure(people: Vault, change: str, what: str) -> None:
    people.tamper(f"update raw_synapse.activity_log set {change} where id = 2")

    assert people.findings() == [(what, "activity_log", "2026-05", 1, ["2"])]


@pytest.mark.parametrize("change", ["metadata = '{}'", "xp_delta = 99"])
def test_an_edit_of_an_erased_row_is_found(people: Vault, change: str) -> None:
    erased(people, ACTIVITY, user_id="2")
    people.tamper(f"update raw_synapse.activity_log set {change} where id = 2")

    assert people.findings() == [("edited", "activity_log", "2026-05", 1, ["2"])]


def test_a_personal_value_where_none_was_sealed_is_an_edit(people: Vault) -> None:
    people.tamper("update raw_synapse.activity_log set metadata = '{}' where id = 3")

    assert people.findings() == [("edited", "activity_log", "2026-05", 1, ["3"])]


def test_equal_values_have_commitments_that_differ(people: Vault) -> None:
    commitments = people.zone.fetch("select count(distinct metadata), count(metadata) from seals_synapse.activity_log")

    assert commitments == [(3, 3)]


def test_nothing_that_could_confirm_a_guess_is_left(people: Vault) -> None:
    before = people.zone.fetch("select count(*) from keys_synapse.activity_log where _hash <> 0 and _check <> 0")
    erased(people, ACTIVITY, user_id="2")

    assert before == [(4,)]
    erasures = "select id from keys_synapse.activity_log where _hash = 0 and _check = 0 order by id"
    assert people.zone.fetch(erasures) == [(2,), (4,)]


@pytest.mark.parametrize("share", [0, 1 << 40], ids=["by key", "at large"])
def test_an_erased_row_that_comes_again_stays_erased_and_leaves_no_copy(
    people: Vault, monkeypatch: pytest.MonkeyPatch, share: int
) -> None:
    monkeypatch.setattr("ingest.stage._LARGE_SHARE", share)
    before = people.zone.fetch("select * from raw_synapse.activity_log where user_id <> 2 order by id")
    erased(people, ACTIVITY, user_id="2")
    again, changed = activity(2, user_id=2), activity(4, user_id=2, xp_delta=99)
    people.deliver(activity(1), again, changed, table=ACTIVITY, name="again.ndjson")

    (load,) = people.zone.fetch("select rows_duplicate, rows_conflict from ingest.loads order by load_id desc limit 1")
    assert load == (2, 1)
    assert people.zone.fetch("select metadata from raw_synapse.activity_log where user_id = 2") == [(None,), (None,)]
    assert people.zone.fetch("select * from raw_synapse.activity_log where user_id <> 2 order by id") == before


def test_rows_can_be_erased_before_they_are_sealed(vault: Vault) -> None:
    vault.deliver(activity(1), table=ACTIVITY)
    assert erased(vault, ACTIVITY, id="1") == Erasure(1, 0)
    vault.seal()

    assert vault.findings() == []


def test_rows_are_as_immutable_after_an_erasure_as_before(people: Vault) -> None:
    erased(people, ACTIVITY, user_id="2")

    with pytest.raises(Exception, match="immutable"):
        people.zone.connection.execute("update raw_synapse.activity_log set xp_delta = 1")
    people.zone.connection.rollback()


@pytest.mark.parametrize(
    ("table", "where", "said"),
    [
        ("advert_market.ledger_entries", {"id": "1"}, "Nothing in advert_market.ledger_entries is personal"),
        (ACTIVITY, {"name": "1"}, "synapse.activity_log has no column name"),
        (ACTIVITY, {"user_id": "Ada"}, "invalid input syntax"),
    ],
)
def test_what_cannot_be_erased_is_said(people: Vault, table: str, where: dict[str, str], said: str) -> None:
    people.deliver(*ledger(1))
    with pytest.raises(ConfigurationError, match=said):
        erased(people, table, **where)
