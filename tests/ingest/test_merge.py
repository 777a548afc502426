"""How rows join a table: duplicates, conflicts, versions and replacements, in any order of files."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.ingest.zone import LEDGER, POSTED, Zone, counts, entry, ndjson


def test_the_same_key_is_a_duplicate_with_the_same_content_and_a_conflict_with_other(zone: Zone) -> None:
    zone.deliver(LEDGER, ndjson(entry(1), entry(2), entry(2), entry(1, amount_nano=6)))
    (first,) = zone.load()
    zone.deliver(LEDGER, ndjson(entry(2), entry(1, amount_nano=7), entry(3)), day="2026-06-02")
    (second,) = zone.load()

    assert counts(first) == (4, 2, 1, 1, 0)
    assert counts(second) == (3, 1, 1, 1, 0)
    assert zone.entries() == [(1, 5, "EXTERNAL_TON"), (2, 5, "EXTERNAL_TON"), (3, 5, "EXTERNAL_TON")]
    assert zone.quarantine() == [(4, "conflict", "conflict"), (2, "conflict", "conflict")]


def test_a_key_holds_across_monthly_partitions(zone: Zone) -> None:
    zone.deliver(LEDGER, ndjson(entry(1)))
    zone.deliver(LEDGER, ndjson(entry(1, created_at="2026-06-01T00:00:00Z")), day="2026-06-02")

    assert [counts(load) for load in zone.load()] == [(1, 1, 0, 0, 0), (1, 0, 0, 1, 0)]


def test_rows_land_in_the_utc_month_they_belong_to(zone: Zone) -> None:
    zone.deliver(
        LEDGER,
        ndjson(entry(1), entry(2, created_at="2026-06-01T01:30:00+02:00"), entry(3, created_at="2026-06-01T00:00:00Z")),
    )
    zone.load()

    assert zone.fetch(
        "select tableoid::regclass::text, count(*) from raw_advert_market.ledger_entries group by 1 order by 1"
    ) == [
        ("raw_advert_market.ledger_entries_2026_05", 2),
        ("raw_advert_market.ledger_entries_2026_06", 1),
    ]


def wallet(balance: int, updated_at: str) -> dict[str, Any]:
    return {"user_id": str(UUID(int=1)), "balance_int": balance, "updated_at": updated_at}


def user() -> dict[str, Any]:
    return {
        "id": str(UUID(int=1)),
        "tg_user_id": 1,
        "nickname": "a",
        "language": None,
        "roles": ["x"],
        "created_at": POSTED,
    }


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 2, 1), (2, 0, 1)])
def test_an_upsert_keeps_the_newest_version_in_any_order_of_files(zone: Zone, order: tuple[int, ...]) -> None:
    zone.deliver("funpot.users", ndjson(user()))
    versions = [
        wallet(10, "2026-06-01T00:00:00Z"),
        wallet(20, "2026-06-02T00:00:00Z"),
        wallet(10, "2026-06-03T00:00:00Z"),
    ]
    for number in order:
        zone.deliver("funpot.wallet_accounts", ndjson(versions[number]), day=f"2026-06-0{number + 2}")
        zone.load()

    assert zone.fetch("select balance_int, updated_at::date::text from raw_funpot.wallet_accounts") == [
        (10, "2026-06-03")
    ]
    assert zone.fetch("select sum(rows_read) from ingest.loads where table_name = 'wallet_accounts'") == [(3,)]


def test_of_two_versions_in_one_file_the_newer_stands_wherever_it_is(zone: Zone) -> None:
    newer, older = wallet(20, "2026-06-02T00:00:00Z"), wallet(10, "2026-06-01T00:00:00Z")
    zone.deliver("funpot.wallet_accounts", ndjson(newer, older))
    (load,) = zone.load()

    assert counts(load) == (2, 1, 1, 0, 0)
    assert zone.fetch("select balance_int from raw_funpot.wallet_accounts") == [(20,)]


def test_a_file_that_is_mended_in_place_counts_as_it_is_now(zone: Zone) -> None:
    zone.deliver("funpot.users", ndjson(user() | {"language": "xx"}))
    zone.load()
    zone.deliver("funpot.users", ndjson(user() | {"language": "en"}))
    zone.load()

    assert zone.fetch("select language from raw_funpot.users") == [("en",)]


def test_months_are_utc_whatever_zone_the_session_is_in(zone: Zone) -> None:
    zone.connection.execute("set timezone = 'America/New_York'")
    zone.deliver(LEDGER, ndjson(entry(1, created_at="2026-06-01T02:00:00Z")))
    (load,) = zone.load()

    assert counts(load) == (1, 1, 0, 0, 0)
    partitions = zone.fetch("select tableoid::regclass::text from raw_advert_market.ledger_entries")
    assert partitions == [("raw_advert_market.ledger_entries_2026_06",)]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1), (2, 0, 1)])
def test_without_a_clock_of_its_own_a_row_is_as_new_as_its_delivery(zone: Zone, order: tuple[int, ...]) -> None:
    languages = ["en", "sv", "en"]
    for number in order:
        zone.deliver("funpot.users", ndjson(user() | {"language": languages[number]}), day=f"2026-06-0{number + 2}")
        zone.load()
    zone.deliver("funpot.users", ndjson(user() | {"language": "de"}), day="2026-06-03", name="z.ndjson")
    zone.load()

    assert zone.fetch("select language from raw_funpot.users") == [("en",)]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_a_replaced_table_is_the_newest_delivery_whole(zone: Zone, order: tuple[int, ...]) -> None:
    deliveries = [
        ("a.ndjson", "2026-06-01", ["x", "y"]),
        ("a.ndjson", "2026-06-02", ["y"]),
        ("b.ndjson", "2026-06-02", ["z"]),
    ]
    for number in order:
        name, day, keys = deliveries[number]
        rows = [{"key": key, "value_json": {"from": name}, "updated_at": POSTED} for key in keys]
        zone.deliver("funpot.config", ndjson(*rows), name=name, day=day)
        zone.load()

    assert zone.fetch("select key from raw_funpot.config order by key") == [("y",), ("z",)]


def test_a_child_may_come_before_its_parent(zone: Zone) -> None:
    zone.deliver("funpot.users", ndjson(user() | {"id": str(UUID(int=2))}))
    zone.deliver("funpot.wallet_accounts", ndjson(wallet(1, POSTED)))
    (_, load) = zone.load()

    assert counts(load) == (1, 1, 0, 0, 0)


@pytest.mark.parametrize("change", ["update {} set amount_nano = 1", "delete from {}"])
def test_an_append_table_refuses_change(zone: Zone, change: str) -> None:
    zone.deliver(LEDGER, ndjson(entry(1)))
    zone.load()

    with pytest.raises(psycopg.errors.RaiseException, match="immutable"):
        zone.connection.execute(change.format("raw_advert_market.ledger_entries"))  # type: ignore[arg-type]
