"""The lake's files hold what the raw tables hold, to the last digit, and are written again only when that changed."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from ingest.contract import System, read_contracts
from ingest.errors import TallyError
from ingest.lake import Refresh, create_views, refresh_lake, turn_at_lake
from ingest.schema import ensure_schemas
from ingest.settings import Settings
from tests.ingest.everything import CONTRACT, EVERYTHING
from tests.ingest.shop import MENDED, MODES, Shop, Store, opened, row
from tests.ingest.zone import Zone, ndjson

HARDEST = {
    "id": -(2**63),
    "big": 2**63 - 1,
    "whole": -(2**31),
    "small": 2**15 - 1,
    "exact": "-1234567890123456789012345678.0123456789",
    "price": "999.99",
    "ratio": 5e-324,
    "flag": False,
    "day": "0001-01-01",
    "at": "9999-12-31T23:59:59.999999Z",
    "uid": "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "name": 'two\r\nlines, "quoted" \\ and é 𝄞',
    "code": "",
    "doc": {"big": 2**70, "exact": 0.1, "é": [None, {"s": "a\\b"}], "bb": 1, "a": 2},
    "tags": ["a", None, "", 'b"c, {d}'],
    "numbers": [2**31 - 1, None],
    "blob": "\\x00ff",
    "mood": "glad",
    "level": 10,
    "share": "0.0000000001",
}


class Lake:
    """The lake of a warehouse, and what DuckDB reads in it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.home / "lake"

    def refresh(self, systems: tuple[System, ...]) -> Refresh:
        with turn_at_lake(self.settings) as folder:
            return refresh_lake(self.settings, systems, folder)

    def rows(self, table: str) -> list[dict[str, Any]]:
        with duckdb.connect() as duck:
            duck.execute("set timezone = 'UTC'")
            create_views(duck, self.folder)
            found = duck.execute(f"select * from {table}")
            names = [column[0] for column in found.description or ()]
            return sorted((dict(zip(names, values, strict=True)) for values in found.fetchall()), key=repr)

    def types(self, table: str) -> dict[str, str]:
        with duckdb.connect() as duck:
            create_views(duck, self.folder)
            return {column[0]: str(column[1]) for column in duck.execute(f"select * from {table}").description or ()}

    def inodes(self) -> dict[str, int]:
        return {file.name: file.stat().st_ino for file in self.folder.glob("shop/*/*.parquet")}


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return Lake(settings)


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    with opened(database, tmp_path / "contracts", tmp_path / "landing") as found:
        found.agree(Shop())
        yield found


@pytest.fixture
def matrix(connection: psycopg.Connection, tmp_path: Path) -> Zone:
    """A zone of the system with every type."""
    (tmp_path / "matrix.odcs.yaml").write_text(CONTRACT)
    systems = read_contracts([tmp_path])
    ensure_schemas(connection, systems)
    connection.commit()
    return Zone(tmp_path / "landing", connection, systems)


def in_postgres(connection: psycopg.Connection, table: str) -> list[dict[str, Any]]:
    """The rows with JSON as its text, since that is what a file holds."""
    found = connection.execute(f"select * from {table}")  # type: ignore[arg-type]
    json_columns = [column.name for column in found.description or () if column.type_code in (114, 3802)]
    texts = "".join(f", {name}::text" for name in json_columns)
    found = connection.execute(f"select *{texts} from {table}")  # type: ignore[arg-type]
    names = [column.name for column in found.description or ()]
    connection.commit()
    return sorted((dict(zip(names, values, strict=True)) for values in found.fetchall()), key=repr)


def mirrors(store: Store, lake: Lake) -> bool:
    tables = [f"raw_shop.{name}" for name in MODES]
    return all(
        sorted_by_column(lake.rows(table)) == sorted_by_column(in_postgres(store.connection, table)) for table in tables
    )


def sorted_by_column(rows: list[dict[str, Any]]) -> list[list[tuple[str, Any]]]:
    return sorted((sorted(each.items()) for each in rows), key=repr)


def test_every_type_comes_back_to_the_last_digit(matrix: Zone, lake: Lake) -> None:
    matrix.deliver(EVERYTHING, ndjson(HARDEST, {"id": 1}))
    (load,) = matrix.load()
    assert load.rows_accepted == 2
    lake.refresh(matrix.systems)
    written = lake.rows("raw_matrix.everything")

    assert sorted_by_column(written) == sorted_by_column(in_postgres(matrix.connection, "raw_matrix.everything"))
    (hardest,) = (each for each in written if each["id"] == HARDEST["id"])
    assert json.loads(hardest["doc"]) == HARDEST["doc"]
    assert str(hardest["exact"]) == HARDEST["exact"]
    types = lake.types("raw_matrix.everything")
    assert {types[name] for name in ("exact", "share")} == {"DECIMAL(38,10)"}
    assert [types[name] for name in ("price", "at", "doc", "tags", "blob", "uid", "small")] == [
        "DECIMAL(5,2)", "TIMESTAMP WITH TIME ZONE", "JSON", "VARCHAR[]", "BLOB", "UUID", "SMALLINT",
    ]  # fmt: skip


@pytest.mark.parametrize("number", ["0.00000000001", "10000000000000000000000000000"])
def test_a_number_that_no_file_can_hold_is_refused_by_name(matrix: Zone, lake: Lake, number: str) -> None:
    matrix.deliver(EVERYTHING, ndjson({"id": 1, "exact": number}))
    matrix.load()

    with pytest.raises(
        TallyError, match=r'"raw_matrix"."everything" holds 1 numbers in "exact" of more than 28 digits'
    ):
        lake.refresh(matrix.systems)


def test_a_fresh_warehouse_is_a_lake_of_empty_tables(
    settings: Settings, systems: tuple[System, ...], connection: psycopg.Connection, lake: Lake
) -> None:
    refresh = lake.refresh(systems)

    tables = [table for system in systems for table in system.tables]
    versions = [table for table in tables if table.history]
    assert refresh == Refresh(written=len(tables) + len(versions) + 1)
    assert [lake.rows(f"{table.schema}.{table.name}") for table in tables] == [[]] * len(tables)
    assert list(lake.types("raw_funpot.votes")) == [
        name
        for (name,) in connection.execute(
            "select column_name from information_schema.columns"
            " where table_schema = 'raw_funpot' and table_name = 'votes' order by ordinal_position"
        )
    ]
    assert lake.rows("ingest.loads") == []
    assert "header" not in lake.types("ingest.loads")


def test_only_what_changed_is_written_again(store: Store, lake: Lake) -> None:
    for number, table in enumerate(MODES):
        store.zone.deliver(f"shop.{table}", ndjson(row(number), row(10 + number, at="2026-06-02T00:00:00Z")))
    store.zone.load()
    assert lake.refresh(store.zone.systems) == Refresh(written=7)  # five tables, one of two months, and the manifest
    before = lake.inodes()
    assert lake.refresh(store.zone.systems) == Refresh(written=1, kept=6)
    assert lake.inodes() == before
    store.zone.deliver("shop.sales", ndjson(row(20, at="2026-06-03T00:00:00Z")), "late.ndjson", "2026-06-02")
    store.zone.load()

    assert lake.refresh(store.zone.systems) == Refresh(written=2, kept=5)
    assert {name for name, inode in lake.inodes().items() if inode != before[name]} == {"sales_2026_06.parquet"}
    assert mirrors(store, lake)


def test_what_is_changed_replaced_and_replayed_is_mirrored(store: Store, lake: Lake) -> None:
    for day, rows in (
        ("2026-06-01", [row(1, amount=1), row(2)]),
        ("2026-06-02", [row(1, amount=2), row(3, kind="huge")]),
        ("2026-06-03", [row(1, amount=3)]),
    ):
        for table in MODES:
            updated = {"updated_at": f"{day}T00:00:00Z"} if table == "people" else {}
            store.zone.deliver(f"shop.{table}", ndjson(*(each | updated for each in rows)), day=day)
        store.zone.load()
        lake.refresh(store.zone.systems)
        assert mirrors(store, lake)
    assert [each["amount"] for each in lake.rows("raw_shop.prices")] == [3]
    store.agree(MENDED)
    store.replay()
    lake.refresh(store.zone.systems)

    assert mirrors(store, lake)
    assert "huge" in {each["kind"] for each in lake.rows("raw_shop.notes")}
    assert "surprise" in lake.types("raw_shop.sales")


def test_versions_that_a_replay_brings_are_mirrored(store: Store, lake: Lake) -> None:
    store.agree(replace(Shop(), history=("kind",)))
    store.zone.deliver("shop.labels", ndjson(row(1), row(2, kind="huge")))
    store.zone.deliver("shop.labels", ndjson(row(1, kind="large")), day="2026-06-02")
    store.zone.load()
    lake.refresh(store.zone.systems)
    assert {version["kind"] for version in lake.rows("raw_shop.labels_versions")} == {"small", "large"}

    store.agree(replace(MENDED, history=("kind",)))
    store.replay()
    lake.refresh(store.zone.systems)

    assert {version["kind"] for version in lake.rows("raw_shop.labels_versions")} == {"small", "large", "huge"}


def test_a_partition_that_was_dropped_leaves_the_lake(store: Store, lake: Lake) -> None:
    store.zone.deliver("shop.sales", ndjson(row(1), row(2, at="2026-06-02T00:00:00Z")))
    store.zone.load()
    lake.refresh(store.zone.systems)
    store.connection.execute("drop table raw_shop.sales_2026_05")
    store.connection.commit()

    assert lake.refresh(store.zone.systems).removed == 1
    assert [each["id"] for each in lake.rows("raw_shop.sales")] == ["2"]
    assert mirrors(store, lake)


def test_another_database_in_the_same_place_is_mirrored_anew(store: Store, lake: Lake) -> None:
    store.zone.deliver("shop.notes", ndjson(row(1)))
    store.zone.load()
    lake.refresh(store.zone.systems)
    store.empty(Shop())
    store.zone.deliver("shop.notes", ndjson(row(2)))
    store.zone.load()
    lake.refresh(store.zone.systems)

    assert [(each["id"], each["_load_id"]) for each in lake.rows("raw_shop.notes")] == [("2", 1)]


def test_what_a_killed_refresh_left_half_written_is_never_read(store: Store, lake: Lake) -> None:
    store.zone.deliver("shop.notes", ndjson(row(1)))
    store.zone.load()
    lake.refresh(store.zone.systems)
    (lake.folder / "shop" / "notes" / "notes.writing").write_bytes(b"PAR1")
    assert mirrors(store, lake)
    store.zone.deliver("shop.notes", ndjson(row(2)), "more.ndjson")
    store.zone.load()
    lake.refresh(store.zone.systems)

    assert mirrors(store, lake)


def test_a_file_is_one_snapshot_with_all_others(store: Store, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that are committed while the lake is written come with the next refresh, in every table or in none."""
    import ingest.lake

    write = ingest.lake._write
    store.zone.deliver("shop.notes", ndjson(row(1)))
    store.zone.load()

    def interrupted(duck: Any, part: Any, state: str | None, file: Path) -> None:
        if part.table == "people":  # after loads and notes, before prices and sales
            for table in ("notes", "prices", "sales"):
                store.zone.deliver(f"shop.{table}", ndjson(row(2)), "more.ndjson")
            store.zone.load()
        write(duck, part, state, file)

    with monkeypatch.context() as patch:
        patch.setattr(ingest.lake, "_write", interrupted)
        lake.refresh(store.zone.systems)
    assert [len(lake.rows(f"raw_shop.{table}")) for table in ("notes", "prices", "sales")] == [1, 0, 0]
    assert len(lake.rows("ingest.loads")) == 1
    lake.refresh(store.zone.systems)

    assert [len(lake.rows(f"raw_shop.{table}")) for table in ("notes", "prices", "sales")] == [2, 1, 1]
    assert len(lake.rows("ingest.loads")) == 4
