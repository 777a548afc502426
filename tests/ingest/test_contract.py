"""Contracts are read strictly: what is not understood is refused, with file and line."""

from pathlib import Path

import pytest

from ingest.contract import System, read_contract, read_contracts
from ingest.dbt_sources import render_sources, sources_path
from ingest.errors import ConfigurationError, ContractError

MINIMAL = """\
apiVersion: v3.1.0
kind: DataContract
id: tally.shop
name: shop
version: 1.0.0
status: active
schema:
  - name: sales
    description: One row per sale.
    customProperties:
      - {property: loadMode, value: append}
    properties:
      - name: id
        logicalType: integer
        physicalType: bigint
        required: true
        primaryKey: true
      - name: customer_id
        logicalType: integer
        physicalType: bigint
"""


def contract(folder: Path, text: str) -> Path:
    path = folder / "shop.odcs.yaml"
    path.write_text(text)
    return path


def test_a_contract_becomes_tables_with_verbatim_types(tmp_path: Path) -> None:
    (table,) = read_contract(contract(tmp_path, MINIMAL)).tables

    assert [(column.name, column.type, column.required) for column in table.columns] == [
        ("id", "bigint", True),
        ("customer_id", "bigint", False),
    ]
    assert (table.schema, table.key, table.load_mode) == ("raw_shop", ("id",), "append")


@pytest.mark.parametrize(
    ("wrong", "line", "words"),
    [
        (MINIMAL.replace("        logicalType: integer\n", "", 1), 13, "logicalType is missing"),
        (MINIMAL.replace("required: true", "requierd: true"), 16, "requierd"),
        (MINIMAL.replace("property: loadMode", "property: loadMod"), 11, "loadMod"),
        (MINIMAL.replace("value: append", "value: appendd"), 8, "loadMode must be one of"),
        (MINIMAL.replace("        primaryKey: true\n", ""), 8, "no primaryKey"),
        (
            MINIMAL.replace("        physicalType: bigint\n        required", "        required"),
            13,
            "needs a physicalType",
        ),
        (MINIMAL.replace("kind: DataContract", "kind: [DataContract"), 3, "not YAML"),
        (MINIMAL + "        partitioned: true\n", 8, "belong together"),
        (MINIMAL + "        relationships: [{type: foreignKey, to: customers.id}]\n", 7, "customers"),
    ],
)
def test_a_mistake_in_a_contract_names_file_and_line(tmp_path: Path, wrong: str, line: int, words: str) -> None:
    with pytest.raises(ContractError, match=words) as caught:
        read_contract(contract(tmp_path, wrong))

    assert str(caught.value).startswith(f"{tmp_path / 'shop.odcs.yaml'}, line {line}: ")


def test_a_system_described_twice_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        contract(tmp_path / name, MINIMAL)

    with pytest.raises(ConfigurationError, match="described by both"):
        read_contracts([tmp_path / "a", tmp_path / "b"])


@pytest.mark.parametrize("name", ["shop.yaml", "shop.odcs.yml"])
def test_a_contract_under_a_name_that_is_not_read_is_told_of_and_other_yaml_let_be(tmp_path: Path, name: str) -> None:
    (tmp_path / "other.yaml").write_text("kind: Pipeline\n")
    assert read_contracts([tmp_path]) == ()
    contract(tmp_path, MINIMAL).rename(tmp_path / name)

    with pytest.raises(ContractError, match=r"name must end in \.odcs\.yaml; rename it\."):
        read_contracts([tmp_path])


def test_parents_come_before_children(systems: tuple[System, ...]) -> None:
    for system in systems:
        seen: set[str] = set()
        for table in system.tables:
            parents = {column.references[0] for column in table.columns if column.references}
            assert parents <= seen | {table.name}
            seen.add(table.name)


def test_every_column_and_table_is_described(systems: tuple[System, ...]) -> None:
    for system in systems:
        for table in system.tables:
            assert table.description
            assert all(column.description for column in table.columns), table.name


def test_no_personal_secret_is_loaded(systems: tuple[System, ...]) -> None:
    loaded = {column.name for system in systems for table in system.tables for column in table.columns}

    assert not loaded & {"email", "password_hash", "access_token", "refresh_token", "ip_hash", "ip_address"}
    private = {table.name for system in systems for table in system.private_tables}
    assert private == {"pii_store", "oauth_accounts"}


def test_dbt_sources_are_what_the_contracts_render(systems: tuple[System, ...]) -> None:
    for system in systems:
        assert sources_path(system).read_text(encoding="utf-8") == render_sources(system)
