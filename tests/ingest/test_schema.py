"""The tables that Postgres holds are those that the contracts describe."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ingest.contract import System, Table
from ingest.ddl import declared_references, primary_key
from ingest.errors import ConfigurationError, ContractError
from ingest.schema import ensure_schemas
from ingest.versions import relations
from tests.ingest.shop import Shop


def tables_of(systems: tuple[System, ...]) -> list[Table]:
    return [relation for system in systems for table in system.tables for relation in relations(table)]


@pytest.mark.parametrize("kind", ["bigintt", "numeric(20,"])
@pytest.mark.parametrize("is_there", [False, True])
def test_a_type_that_postgres_does_not_know_is_told_with_file_and_line(
    connection: psycopg.Connection, tmp_path: Path, kind: str, is_there: bool
) -> None:
    if is_there:
        ensure_schemas(connection, [Shop().system(tmp_path)])
    shop = Shop(amount=kind).system(tmp_path)
    lines = shop.path.read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if kind in text)

    with pytest.raises(ContractError) as caught:
        ensure_schemas(connection, [shop])
    assert str(caught.value) == (
        f"{shop.path}, line {line}: Postgres knows no type {kind}; correct the physicalType of amount."
    )


def test_columns_types_and_comments_read_back_as_the_contract_says(
    connection: psycopg.Connection, systems: tuple[System, ...]
) -> None:
    for table in tables_of(systems):
        found = connection.execute(
            "select attname, format_type(atttypid, atttypmod), attnotnull, col_description(attrelid, attnum)"
            " from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum",
            (f"{table.schema}.{table.name}",),
        ).fetchall()
        expected = [
            (
                column.name,
                connection.execute(
                    "select format_type(to_regtype(%s), to_regtypemod(%s))", (column.type,) * 2
                ).fetchall()[0][0]
                if connection.info.server_version >= 170000
                else row[1],
                column.required or column.name in primary_key(table),
                column.description,
            )
            for column, row in zip(table.columns, found, strict=False)
        ]
        assert found[:-1] == expected, table.name
        assert found[-1][0] == "_load_id"


def test_the_tables_of_the_design_are_partitioned_by_month(
    connection: psycopg.Connection, systems: tuple[System, ...]
) -> None:
    partitioned = connection.execute(
        "select relnamespace::regnamespace || '.' || relname from pg_class where relkind = 'p'"
    ).fetchall()
    planned = {f"{table.schema}.{table.name}" for table in tables_of(systems) if table.partition_column}

    assert {name for (name,) in partitioned} == planned
    assert planned >= {
        "raw_funpot.wallet_ledger",
        "raw_funpot.votes",
        "raw_hermes.analytics_events",
        "raw_hermes.bet_intents",
        "raw_hermes.audit_logs",
        "raw_advert_market.ledger_entries",
        "raw_advert_market.deal_events",
        "raw_advert_market.posting_checks",
        "raw_synapse.event_lake",
        "raw_synapse.activity_log",
        "raw_storyforge.segments",
        "raw_storyforge.jobs",
        "raw_storyforge.scene_views",
    }


def test_relationships_are_declared_as_foreign_keys_where_postgres_knows_unenforced_ones(
    connection: psycopg.Connection, systems: tuple[System, ...]
) -> None:
    if connection.info.server_version < 180000:
        pytest.skip("PostgreSQL before 18 has no unenforced foreign keys")
    by_name = {(table.system, table.name): table for table in tables_of(systems)}
    planned = {
        (f"{table.schema}.{table.name}", f"{table.schema}.{parent}")
        for table in by_name.values()
        for parent, _ in declared_references(table, by_name).values()
    }
    found = connection.execute(
        "select conrelid::regclass::text, confrelid::regclass::text from pg_constraint where contype = 'f'"
        " and not conenforced and connamespace::regnamespace::text like 'raw%'"
    ).fetchall()

    assert set(found) == planned
    assert len(planned) > 60


def test_a_row_without_a_load_cannot_be_written(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        connection.execute("insert into raw_funpot.config (key, _load_id) values ('fee', 4711)")


def test_creating_the_schemas_again_changes_nothing(
    connection: psycopg.Connection, systems: tuple[System, ...]
) -> None:
    before = connection.execute("select count(*) from pg_class").fetchall()
    assert ensure_schemas(connection, systems) == []
    connection.execute("comment on schema ingest is null")  # as if the statements had never been run
    assert ensure_schemas(connection, systems) == []

    assert connection.execute("select count(*) from pg_class").fetchall() == before


def test_a_start_waits_for_no_load_that_runs(
    connection: psycopg.Connection, database: str, systems: tuple[System, ...]
) -> None:
    connection.execute(
        "insert into ingest.loads (system, table_name, delivered_on, path, content_hash, size_bytes, status)"
        " values ('s', 't', '2026-06-01', 'p', 'h', 0, 'loaded')"
    )
    with psycopg.connect(database, options="-c lock_timeout=1s") as another:
        assert ensure_schemas(another, systems) == []


def test_the_warehouses_own_tables_are_brought_up_to_date(
    connection: psycopg.Connection, systems: tuple[System, ...]
) -> None:
    # As a version of Tally left them that kept no header.
    connection.execute("alter table ingest.loads drop column header")
    connection.execute("comment on schema ingest is null")
    ensure_schemas(connection, systems)

    connection.execute("select header from ingest.loads")


@dataclass(frozen=True)
class Owner:
    """An ordinary user who owns an empty database; `run` is what a superuser does for him."""

    name: str
    conninfo: str
    run: Callable[[str], object]

    def ensure(self) -> list[str]:
        with psycopg.connect(self.conninfo) as connection:
            return ensure_schemas(connection, [])


@pytest.fixture
def owner(server_conninfo: str, template: str) -> Iterator[Owner]:
    name = f"{template}_owner"
    with psycopg.connect(server_conninfo, autocommit=True) as admin:
        admin.execute(f"create role {name} login password 'secret'".encode())
        admin.execute(f"create database {name} owner {name}".encode())
        yield Owner(
            name,
            make_conninfo(server_conninfo, dbname=name, user=name, password="secret"),  # noqa: S106
            lambda statement: admin.execute(statement.encode()),
        )
        admin.execute(f"drop database {name} with (force)".encode())
        admin.execute(f"drop role {name}".encode())


def test_an_owner_who_made_the_analyst_role_may_become_it(owner: Owner) -> None:
    # As PostgreSQL leaves it to whoever has CREATEROLE and creates a role.
    owner.run(f"grant tally_analyst to {owner.name} with admin true, inherit false, set false")
    owner.ensure()

    with psycopg.connect(owner.conninfo) as connection:
        connection.execute("set role tally_analyst")
        connection.execute("select * from audit.gate_state")


def test_an_owner_without_privileges_is_told_what_a_superuser_must_run(owner: Owner) -> None:
    owner.run(f"alter database {owner.name} owner to current_user")
    with pytest.raises(ConfigurationError, match="let a superuser run: ") as refusal:
        owner.ensure()
    for statement in str(refusal.value).partition("run: ")[2].rstrip(";").split("; "):
        owner.run(statement)

    assert owner.ensure() == []
    assert str(refusal.value).endswith(
        f"grant create on database {owner.name} to {owner.name}; grant tally_analyst to {owner.name};"
    )


def test_the_analyst_reads_verdicts_but_no_raw_row(connection: psycopg.Connection) -> None:
    connection.execute("set role tally_analyst")
    connection.execute("select * from audit.gate_state")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select * from raw_funpot.users")
