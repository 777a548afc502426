"""How rows are spelt for sealing: in one way only, which others can follow, and which contracts may outgrow."""

import json
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql

from ingest.contract import Column, System, Table, read_contract
from ingest.schema import ensure_schemas
from ingest.seal_file import SealFile
from ingest.seal_rows import hashed, sealed_content
from ingest.seal_verify import verify
from tests.ingest.everything import EVERYTHING, Trial
from tests.ingest.sealed import Vault
from tests.ingest.shop import MENDED, Shop, Store, opened, row
from tests.ingest.zone import ndjson


def spelt(connection: psycopg.Connection, kind: str, value: str) -> str | None:
    """One value of a type, as the content of a row has it."""
    column = Column("v", kind, False, "", None, (), None, None, None)
    table = Table("s", "t", "", (column,), (), ("k",), "append", None, None, None, None, (), False)
    query = sql.SQL("select {} from (select {}::{} as v) r").format(sealed_content(table, "r"), value, sql.SQL(kind))
    ((content,),) = connection.execute(query).fetchall()
    found = json.loads(content)
    assert json.dumps(found, ensure_ascii=False, separators=(",", ":")) == content
    return None if "v" not in found else str(found["v"])


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("numeric", "1.50", "1.5"),
        ("numeric", "1e3", "1000"),
        ("numeric(9,4)", "1", "1.0000"),
        ("timestamptz", "2026-06-01T00:00:00Z", "2026-06-01T05:45:00+05:45"),
        ("timestamptz", "infinity", "Infinity"),
        ("jsonb", '{"b": 1, "a": [1,2]}', '{"a":[1, 2],"b":1}'),
        ("double precision", "0.1", "0.10"),
        ("uuid", "AAAAAAAA-0000-4000-8000-000000000000", "aaaaaaaa000040008000000000000000"),
        ("bytea", "\\x4142", "AB"),
        ("boolean", "t", "true"),
    ],
)
def test_equal_values_are_spelt_alike(connection: psycopg.Connection, kind: str, one: str, other: str) -> None:
    assert spelt(connection, kind, one) == spelt(connection, kind, other)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("text", "1.5", "1.50"),
        ("text", "", " "),
        ("text", 'a","w":"b', "a"),
        ("text", "\\u0061", "a"),
        ("text", "é", "e\u0301"),
        ("numeric", "NaN", "0"),
        ("numeric", "10", "1"),
        ("timestamptz", "2026-06-01T00:00:00.000001Z", "2026-06-01T00:00:00Z"),
        ("double precision", "0.1", "0.10000000000000002"),
        ("double precision", "0", "-0"),
        ("jsonb", '{"a": null}', "{}"),
        ("jsonb", "1", '"1"'),
        ("jsonb", "1.0", "1"),
        ("text[]", "{a,b}", '{"a,b"}'),
        ("text[]", "{NULL}", '{"NULL"}'),
        ("text[]", "{}", '{""}'),
    ],
)
def test_unequal_values_are_spelt_differently(connection: psycopg.Connection, kind: str, one: str, other: str) -> None:
    assert spelt(connection, kind, one) != spelt(connection, kind, other)


@pytest.mark.parametrize(
    "setting", ["timezone = 'Asia/Kathmandu'", "datestyle = 'SQL, DMY'", "extra_float_digits = -9"]
)
@pytest.mark.parametrize(
    ("kind", "value"),
    [("timestamptz", "2026-06-01T00:00:00Z"), ("date", "2026-06-01"), ("double precision", "0.1"), ("bytea", "AB")],
)
def test_spelling_does_not_depend_on_the_session(
    connection: psycopg.Connection, kind: str, value: str, setting: str
) -> None:
    before = spelt(connection, kind, value)
    connection.execute(f"set {setting}".encode())

    assert spelt(connection, kind, value) == before


def test_null_is_not_the_word_nor_nothing(connection: psycopg.Connection) -> None:
    column = Column("v", "text", False, "", None, (), None, None, None)
    table = Table("s", "t", "", (column,), (), ("k",), "append", None, None, None, None, (), False)
    contents = {
        connection.execute(
            sql.SQL("select {} from (select {}::text as v) r").format(sealed_content(table, "r"), value)
        ).fetchall()[0][0]
        for value in (None, "", "null")
    }

    assert contents == {"{}", '{"v":""}', '{"v":"null"}'}


def test_others_can_spell_a_row_of_every_type(trial: Trial) -> None:
    values = {
        "id": 7,
        "exact": Decimal("12.3400"),
        "ratio": 0.1,
        "flag": True,
        "day": "2026-06-01",
        "at": "2026-06-01T02:00:00.5+02:00",
        "name": '„ä“ "q" \\ \n \x01 \u007f',
        "doc": {"b": 1, "a": "x"},
        "tags": ["x", 'a "b", c'],
        "numbers": [1, 2],
        "blob": "\\x00ff",
    }
    connection = trial.zone.connection
    names = ", ".join(values)
    places = ", ".join(
        {"doc": "%s::jsonb", "tags": "%s::text[]", "numbers": "%s::integer[]"}.get(name, "%s") for name in values
    )
    given = [json.dumps(value) if name == "doc" else value for name, value in values.items()]
    table = next(t for s in trial.zone.systems for t in s.tables if f"{t.system}.{t.name}" == EVERYTHING)
    connection.execute("set local session_replication_role = replica")  # there is no load 1
    connection.execute(
        f"insert into raw_{EVERYTHING} ({names}, _load_id) select {places}, 1".encode(),
        given,
    )
    ((content, digest),) = connection.execute(
        sql.SQL("select {0}, {1} from {2} r where id = 7").format(
            sealed_content(table, "r"),
            hashed(sealed_content(table, "r")),
            sql.Identifier(table.schema, table.name),
        )
    ).fetchall()
    connection.rollback()

    expected = {
        "at": "2026-06-01T00:00:00.5",
        "blob": "00ff",
        "day": "2026-06-01",
        "doc": '{"a": "x", "b": 1}',
        "exact": "12.34",
        "flag": "true",
        "name": values["name"],
        "numbers": "{1,2}",
        "ratio": "3fb999999999999a",
        "tags": '{x,"a \\"b\\", c"}',
    }
    assert content == json.dumps(expected, ensure_ascii=False, separators=(",", ":"))
    assert digest == sha256(content.encode()).digest()


@pytest.fixture
def store(database: str, tmp_path: Path) -> Any:
    with opened(database, tmp_path, tmp_path / "landing") as store:
        store.agree(Shop())
        yield store


def shop_vault(store: Store) -> Vault:
    return Vault(store.zone, SealFile(store.folder / "seals.jsonl"))


def test_a_contract_that_was_widened_breaks_no_seal(store: Store) -> None:
    vault = shop_vault(store)
    vault.deliver(row(1), row("2", title=None, tags=None), table="shop.sales")
    vault.deliver(row("ä", amount=None), row("Z"), row("a"), table="shop.notes")
    vault.seal()
    assert store.agree(MENDED)

    assert vault.findings() == []
    vault.deliver(row(3, amount=1 << 40, surprise="1.50"), table="shop.sales", name="wide.ndjson")
    vault.seal()
    assert vault.findings() == []
    vault.tamper("update raw_shop.sales set surprise = 0 where id = '1'")
    assert [(what, keys) for what, *_, keys in vault.findings()] == [("edited", ["1"])]


def test_a_wider_key_breaks_no_seal(store: Store) -> None:
    vault = shop_vault(store)
    store.empty(Shop(key="integer"))
    vault.deliver(row(1), row(2), row(10), table="shop.notes")
    vault.seal()
    store.agree(Shop(key="bigint"))
    vault.deliver(row(1 << 40), table="shop.notes", name="wide.ndjson")
    vault.seal()

    assert vault.findings() == []


def test_a_column_that_becomes_personal_is_committed_to_from_then_on(store: Store) -> None:
    vault = shop_vault(store)
    vault.deliver(row(1), table="shop.notes")
    vault.seal()
    path = Shop().system(store.folder).path
    document = yaml.safe_load(path.read_text())
    for table in document["schema"]:
        for column in table["properties"]:
            column |= {"classification": "confidential"} if column["name"] == "title" else {}
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    store.zone.systems = (read_contract(path),)
    ensure_schemas(store.connection, store.zone.systems)
    store.connection.commit()
    assert vault.findings() == []
    vault.deliver(row(2), table="shop.notes", name="more.ndjson")
    vault.seal()

    assert vault.findings() == []
    assert vault.zone.fetch("select id, title is not null from seals_shop.notes order by id") == [
        ("1", False),
        ("2", True),
    ]
    vault.tamper("update raw_shop.notes set title = 'other'")
    assert [(what, keys) for what, *_, keys in vault.findings()] == [("edited", ["1", "2"])]


def test_texts_are_ordered_by_their_bytes_whatever_the_language(store: Store) -> None:
    vault = shop_vault(store)
    vault.deliver(*(row(word) for word in ("a", "B", "ä", "Z", "é", "_")), table="shop.notes")
    vault.seal()
    ordered = vault.zone.fetch("select id from seals_shop.notes order by _seal, id")

    assert [word for (word,) in ordered] == sorted(["a", "B", "ä", "Z", "é", "_"], key=str.encode)


def test_a_system_of_ones_own_is_sealed_too(store: Store, systems: tuple[System, ...]) -> None:
    vault = shop_vault(store)
    vault.zone.deliver("shop.sales", ndjson(row(1)))
    vault.zone.load()
    vault.seal()

    # A contract that is gone leaves rows that nobody can verify.
    found = verify(store.connection, systems, vault.file).findings
    assert [(finding.what, finding.table) for finding in found] == [("missing", "sales")]
