"""A contract that changed: what widens a table is done to it, everything else is told."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from ingest import migrate
from ingest.catalog import find_tables
from ingest.contract import System
from ingest.errors import ConfigurationError
from ingest.schema import ensure_schemas
from tests.ingest.shop import MENDED, MODES, Shop, Store, opened, row
from tests.ingest.zone import ndjson

NARROW = Shop(key="varchar(9)")
WIDER = {
    "a list of values": (replace(NARROW, kinds=(*NARROW.kinds, "huge")), "kind may hold 'huge' now"),
    "any value": (replace(NARROW, kinds=()), "kind may hold anything now"),
    "a lower bound": (replace(NARROW, minimum=-(10**12)), "amount has the minimum -1000000000000 now, no longer 0"),
    "no bound": (replace(NARROW, minimum=None), "amount has no minimum now"),
    "a larger number": (replace(NARROW, amount="bigint"), "amount is bigint now, no longer integer"),
    "any number": (replace(NARROW, amount="numeric"), "amount is numeric now, no longer integer"),
    "a longer text": (replace(NARROW, title="varchar(9)"), "title is character varying(9) now"),
    "any text": (replace(NARROW, title="text"), "title is text now, no longer character varying(8)"),
    "null": (replace(NARROW, required=False), "at may be null now"),
    "a new column": (replace(NARROW, surprise="new"), "surprise is a new column"),
    "a longer key": (replace(NARROW, key="text"), "id is text now, no longer character varying(9)"),
}


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    """A shop of a narrow contract with rows in every table, of two months where months count."""
    with opened(database, tmp_path / "contracts", tmp_path / "landing") as found:
        found.agree(NARROW)
        for table in MODES:
            found.zone.deliver(f"shop.{table}", ndjson(row(1), row(2, at="2026-04-01T00:00:00Z")))
        found.zone.load()
        yield found


def shape(store: Store) -> object:
    """The shop's tables as the catalog tells, and every constraint, those of partitions and registries included."""
    constraints = store.zone.fetch(
        "select conrelid::regclass::text, pg_get_constraintdef(oid), convalidated from pg_constraint"
        " where connamespace::regnamespace::text like '%_shop' and contype <> 'n' order by 1, 2"
    )
    types = store.zone.fetch(
        "select attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute"
        " join pg_class c on c.oid = attrelid where relnamespace::regnamespace::text like '%_shop'"
        " and relkind in ('r', 'p') and attnum > 0 and not attisdropped order by 1, 2"
    )
    found = find_tables(store.connection, ["shop"])
    store.connection.commit()
    return found, constraints, types


@pytest.mark.parametrize("what", WIDER)
def test_a_wider_contract_makes_the_table_what_it_would_have_been(store: Store, what: str) -> None:
    shop, sentence = WIDER[what]
    held = store.tables()
    widened = store.agree(shop)

    expected = [table for table in MODES if (table, what) != ("sales", "null")]  # months cannot be null
    assert [told.partition(":")[0] for told in widened] == [f"raw_shop.{table}" for table in expected]
    assert all(sentence in told for told in widened)
    assert store.agree(shop) == []
    if not shop.surprise:
        assert store.tables() == held
    grown = shape(store)
    store.empty(shop)
    for table in MODES:
        store.zone.deliver(f"shop.{table}", ndjson(row(1), row(2, at="2026-04-01T00:00:00Z")))
    store.zone.load()
    assert grown == shape(store)


def test_everything_may_widen_at_once_and_new_rows_then_fit(store: Store) -> None:
    widened = store.agree(MENDED)
    for table in MODES:
        wide = row("a longer key", kind="huge", amount=-10, title="longer than eight", surprise="0.5")
        store.zone.deliver(f"shop.{table}", ndjson(wide, wide | {"id": "3", "at": "2026-02-01T00:00:00Z"}), "b.ndjson")

    assert len(widened) == 7 * len(MODES) - 1
    assert [load.rows_accepted for load in store.zone.load()] == [2] * len(MODES)


NARROWER = {
    "kind": (replace(NARROW, kinds=("small",)), "column kind may hold 'large', which the contract no longer lists"),
    "amount": (replace(NARROW, amount="smallint"), "column amount is integer, and smallint in the contract"),
    "a bound": (replace(NARROW, minimum=1), "column amount has the minimum 0, and 1 in the contract"),
    "title": (replace(NARROW, title="varchar(7)"), "column title is character varying(8), and character varying(7)"),
    "another type": (replace(NARROW, title="jsonb"), "column title is character varying(8), and jsonb in the contract"),
    "surprise": (replace(NARROW, surprise="required"), "column surprise is new and required"),
}


@pytest.mark.parametrize("what", NARROWER)
def test_a_narrower_contract_is_told_of_and_changes_nothing(store: Store, what: str) -> None:
    shop, problem = NARROWER[what]
    before = shape(store)

    with pytest.raises(ConfigurationError, match=r"^raw_shop\.\w+ does not fit its contract: ") as error:
        store.agree(replace(shop, key="text"))  # which by itself would be done
    assert problem in str(error.value)
    assert shape(store) == before


def test_a_contract_that_was_wider_once_is_narrower_now(store: Store) -> None:
    store.agree(MENDED)

    with pytest.raises(ConfigurationError) as error:
        store.agree(NARROW)
    for problem in (
        "column surprise is not in the contract",
        "column kind may hold 'huge', which the contract no longer lists",
        "column amount has the minimum -10, and 0 in the contract",
        "column title is text, and character varying(8) in the contract",
    ):
        assert problem in str(error.value)


def test_limits_where_there_were_none_and_another_way_of_loading_are_told_of(
    connection: psycopg.Connection, systems: tuple[System, ...]
) -> None:
    funpot = next(system for system in systems if system.name == "funpot")
    (users,) = [table for table in funpot.tables if table.name == "users"]
    limited = [replace(c, allowed=("en",)) if c.name == "language" else c for c in users.columns]
    limited = [replace(c, minimum=1, maximum=9) if c.name == "tg_user_id" else c for c in limited]
    changed = replace(users, columns=tuple(limited), load_mode="append", key=("id", "created_at"))

    with pytest.raises(ConfigurationError) as error:
        ensure_schemas(connection, [replace(funpot, tables=(changed,))])
    for problem in (
        "column language may hold anything, and the contract lists its values",
        "column tg_user_id has no minimum, and 1 in the contract",
        "column tg_user_id has no maximum, and 9 in the contract",
        "its key is (id), and (id, created_at) in the contract",
        "it was made for loadMode upsert or replace, and the contract says append",
    ):
        assert problem in str(error.value)


def test_a_required_column_may_be_new_as_long_as_there_are_no_rows(store: Store) -> None:
    store.empty(NARROW)

    assert len(store.agree(replace(NARROW, surprise="required"))) == len(MODES)


def test_another_spelling_of_a_type_is_no_change(store: Store) -> None:
    assert store.agree(replace(NARROW, amount="int4", title="character varying ( 8 )")) == []


def test_values_of_any_spelling_are_read_back_from_the_catalog(store: Store) -> None:
    kinds = (*NARROW.kinds, "it's", "a\\b", "x'::text, 'y", "", "= ANY (")

    assert len(store.agree(replace(NARROW, kinds=kinds))) == len(MODES)
    assert store.agree(replace(NARROW, kinds=kinds)) == []


def test_an_upper_bound_may_rise(connection: psycopg.Connection, systems: tuple[System, ...]) -> None:
    funpot = next(system for system in systems if system.name == "funpot")

    def bounded(maximum: int | None) -> System:
        (users,) = [table for table in funpot.tables if table.name == "users"]
        columns = [replace(c, maximum=maximum) if c.name == "tg_user_id" else c for c in users.columns]
        return replace(funpot, name="toy", tables=(replace(users, system="toy", columns=tuple(columns)),))

    ensure_schemas(connection, [bounded(2**40)])
    for maximum, told in ((2**50, "has the maximum 1125899906842624 now"), (None, "has no maximum now")):
        (sentence,) = ensure_schemas(connection, [bounded(maximum)])
        assert told in sentence
    with pytest.raises(ConfigurationError, match="has no maximum, and 5 in the contract"):
        ensure_schemas(connection, [bounded(5)])


def test_views_that_dbt_makes_anew_give_way_to_a_change_of_type(store: Store) -> None:
    store.connection.execute("create schema if not exists staging; create schema if not exists intermediate")
    store.connection.execute("create view staging.stg as select title as t, amount from raw_shop.people")
    store.connection.execute("create view intermediate.int as select t from staging.stg")
    store.connection.execute("create view staging.other as select id, kind from raw_shop.people")
    store.agree(replace(NARROW, title="text"))

    views = "select schemaname, viewname from pg_views where schemaname in ('staging', 'intermediate')"
    assert store.zone.fetch(views) == [("staging", "other")]


def test_a_view_of_somebody_else_is_named_and_left_alone(store: Store) -> None:
    store.connection.execute("create schema mine; create schema if not exists staging")
    store.connection.execute("create view staging.stg as select title from raw_shop.people")
    store.connection.execute("create view mine.report as select title from staging.stg")
    store.connection.commit()

    with pytest.raises(ConfigurationError, match=r"raw_shop\.people: title is text now.*mine\.report reads the column"):
        store.agree(replace(NARROW, title="text"))
    assert len(store.zone.fetch("select from pg_views where viewname in ('stg', 'report')")) == 2


def test_a_change_that_would_lock_a_large_table_for_long_is_left_to_its_owner(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "REWRITTEN_UNASKED_BYTES", 0)
    wide = replace(NARROW, amount="bigint", title="text")  # the title alone would not rewrite the table
    for table in MODES:
        with pytest.raises(ConfigurationError) as error:
            store.agree(wide)
        sentence, _, statement = str(error.value).partition("run it when that suits: ")
        assert f"raw_shop.{table}: amount is bigint now" in sentence
        assert statement == f'alter table "raw_shop"."{table}" alter column "amount" type bigint;'
        store.connection.execute(statement)  # type: ignore[call-overload]
        store.connection.commit()
    assert len(store.agree(wide)) == len(MODES)


def test_a_check_of_the_owners_own_is_left_alone(store: Store) -> None:
    store.connection.execute("alter table raw_shop.people add check (length(title) > 1), add check (amount <> 13)")

    assert store.agree(NARROW) == []
    assert len(store.agree(replace(NARROW, kinds=()))) == len(MODES)
    checks = "select from pg_constraint where conrelid = 'raw_shop.people'::regclass and contype = 'c'"
    assert len(store.zone.fetch(checks)) == 3


def test_a_new_column_comes_with_its_comment_and_its_relationship(
    connection: psycopg.Connection, systems: tuple[System, ...]
) -> None:
    query = (
        "select pg_get_constraintdef(oid), col_description(conrelid, conkey[1]) from pg_constraint"
        " where conrelid = 'raw_funpot.referrals'::regclass and contype = 'f' order by 1"
    )
    before = connection.execute(query).fetchall()  # type: ignore[call-overload]
    connection.execute("alter table raw_funpot.referrals drop column inviter_user_id")

    assert ensure_schemas(connection, systems) == ["raw_funpot.referrals: inviter_user_id is a new column."]
    assert connection.execute(query).fetchall() == before  # type: ignore[call-overload]


def test_whatever_else_stands_in_the_way_is_told_with_the_statement(store: Store) -> None:
    store.connection.execute("create view public.may as select title from raw_shop.sales_2026_05")
    store.connection.commit()

    with pytest.raises(ConfigurationError, match=r'view may .* then run: alter table "raw_shop"\."sales"') as error:
        store.agree(replace(NARROW, title="text"))
    assert "raw_shop.sales: title is text now" in str(error.value)
