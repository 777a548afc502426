"""The landing zone that tests of loading deliver to, and the operational databases that tests of pulling read."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ingest.contract import System, read_contracts
from ingest.schema import ensure_schemas
from ingest.seal_file import SealFile
from tests.ingest.everything import CONTRACT, Trial
from tests.ingest.operational import TOY, Operation, toy_system
from tests.ingest.sealed import Vault
from tests.ingest.zone import Zone


@pytest.fixture
def zone(tmp_path: Path, connection: psycopg.Connection, systems: tuple[System, ...]) -> Zone:
    return Zone(tmp_path / "landing", connection, systems)


@pytest.fixture
def vault(zone: Zone, tmp_path: Path) -> Vault:
    return Vault(zone, SealFile(tmp_path / "seals.jsonl"))


@pytest.fixture(scope="module")
def trial(
    server_conninfo: str, template: str, systems: tuple[System, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trial]:
    """A zone of all systems and one with every type; what is tried there leaves nothing behind."""
    folder = tmp_path_factory.mktemp("trial")
    (folder / "matrix.odcs.yaml").write_text(CONTRACT)
    known = (*systems, *read_contracts([folder]))
    name = f"{template}_{folder.name}"
    with psycopg.connect(server_conninfo, autocommit=True) as admin:
        admin.execute(f"create database {name} template {template}")
        with psycopg.connect(make_conninfo(server_conninfo, dbname=name), options="-c timezone=UTC") as connection:
            ensure_schemas(connection, known)
            connection.commit()
            yield Trial(Zone(folder / "landing", connection, known))
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture
def source(server_conninfo: str) -> Iterator[str]:
    """The connection string of a fresh and empty database, such as an operational system might be."""
    name = f"tally_source_{os.getpid()}_{uuid4().hex[:8]}"
    with psycopg.connect(server_conninfo, autocommit=True) as admin:
        admin.execute(f"create database {name}".encode())
        yield make_conninfo(server_conninfo, dbname=name)
        admin.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
def toy(source: str, tmp_path: Path) -> Iterator[Operation]:
    """The toy system in operation, with empty tables."""
    with psycopg.connect(source, autocommit=True, options="-c timezone=UTC") as connection:
        operation = Operation(toy_system(tmp_path), source, tmp_path / "landing", connection)
        operation.run(TOY)
        yield operation
