"""A real server for every test: TALLY_DATABASE_URL's if set, else an embedded one in a temporary home.

Each test that asks for `database` gets a fresh database, copied from one that holds all schemas (some 60 ms).
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ingest import server
from ingest.contract import System, read_contracts
from ingest.landing import find_files
from ingest.load import load_files
from ingest.sample import write_sample
from ingest.schema import ensure_schemas
from ingest.seal import seal
from ingest.seal_file import SealFile
from ingest.settings import Settings

# In CI a test says the same as at home: there `tally check` would write annotations, and help be coloured.
for _told in ("CI", "GITHUB_ACTIONS"):
    os.environ.pop(_told, None)

pytest_plugins = ["tests.places"]
_number = count()
TEMPLATE = f"tally_test_{os.getpid()}"


@pytest.fixture(scope="session")
def systems() -> tuple[System, ...]:
    return read_contracts(Settings.from_environment({}).contract_folders)


@pytest.fixture(scope="session")
def server_conninfo() -> Iterator[str]:
    """The server that tests make their databases on."""
    given = os.environ.get("TALLY_DATABASE_URL")
    if given:
        yield given
        return
    # Not pytest's own folder: that one is closed to the plain user whom root's server runs as.
    home = Path(tempfile.mkdtemp(prefix="tally-test-"))
    home.chmod(0o755)
    settings = replace(Settings.from_environment(), home=home)
    yield server.start(settings)
    server.stop(settings)
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def template(server_conninfo: str, systems: tuple[System, ...]) -> Iterator[str]:
    """The name of a database with all schemas and no rows."""
    with psycopg.connect(server_conninfo, autocommit=True) as admin:
        admin.execute(f"create database {TEMPLATE}")
        with psycopg.connect(make_conninfo(server_conninfo, dbname=TEMPLATE)) as connection:
            ensure_schemas(connection, systems)
        yield TEMPLATE
        admin.execute(f"drop database {TEMPLATE} with (force)")


def _fresh(server_conninfo: str, template: str, name: str | None = None) -> Iterator[str]:
    name = name or f"{TEMPLATE}_{next(_number)}"
    with psycopg.connect(server_conninfo, autocommit=True) as admin:
        admin.execute(f"create database {name} template {template}")
        yield make_conninfo(server_conninfo, dbname=name)
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture
def database(server_conninfo: str, template: str) -> Iterator[str]:
    """The connection string of a fresh database with all schemas; each test's has the same name, see `home`."""
    yield from _fresh(server_conninfo, template, f"{TEMPLATE}_of_one_test")


@pytest.fixture(scope="session")
def parsed_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the first test that parses the dbt project leaves what dbt, and Tally, remember of it."""
    return tmp_path_factory.mktemp("parsed")


@pytest.fixture
def home(tmp_path: Path, parsed_project: Path) -> Iterator[Path]:
    """A home of its own, which remembers how the dbt project was parsed: anew, that takes 4 s. dbt forgets it where the
    database has another name."""
    target = tmp_path / "home" / "dbt" / "target"
    target.mkdir(parents=True)
    _copy_parsed(parsed_project, target)
    yield tmp_path / "home"
    _copy_parsed(target, parsed_project)


def _copy_parsed(folder: Path, to: Path) -> None:
    for name in ("partial_parse.msgpack", "manifest.json"):
        if (folder / name).exists() and not (to / name).exists():
            shutil.copy2(folder / name, to / name)


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, options="-c timezone=UTC") as connection:
        yield connection


@pytest.fixture
def settings(database: str, home: Path) -> Settings:
    """Settings of a warehouse on the fresh database, with a home and a landing zone of its own."""
    found = Settings.from_environment({"TALLY_HOME": str(home)})
    return replace(found, database_url=database)


def judge(connection: psycopg.Connection) -> None:
    """Note a verdict on all loads, as if every rule had been asked and held."""
    connection.execute(
        "insert into audit.judged_loads (load_id, replayed_at, gate_run_id)"
        " select load_id, replayed_at, gen_random_uuid() from ingest.loads where status = 'loaded'"
        " on conflict (load_id) do update set replayed_at = excluded.replayed_at"
    )


@pytest.fixture(scope="session")
def sample_landing(tmp_path_factory: pytest.TempPathFactory, systems: tuple[System, ...]) -> Path:
    """The clean sample's landing zone; shared, so never write to it."""
    landing = tmp_path_factory.mktemp("sample") / "landing"
    write_sample(landing, systems)
    return landing


@pytest.fixture(scope="session")
def sample_database(
    server_conninfo: str, template: str, sample_landing: Path, systems: tuple[System, ...]
) -> Iterator[str]:
    """A database with the clean sample loaded, judged and sealed; shared, so roll back whatever you change."""
    for database in _fresh(server_conninfo, template):
        with psycopg.connect(database, options="-c timezone=UTC", autocommit=True) as connection:
            load_files(connection, systems, find_files(sample_landing, systems))
            judge(connection)
            seal(connection, systems, SealFile(sample_landing.parent / "seals.jsonl"))
        yield database


@pytest.fixture(scope="session")
def built_database(
    server_conninfo: str, sample_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database with the clean sample loaded and its marts built; shared, so only read it."""
    from dagster_project import environment
    from dagster_project.dbt_runner import invoke

    for database in _fresh(server_conninfo, str(conninfo_to_dict(sample_database)["dbname"])):
        found = Settings.from_environment({"TALLY_HOME": str(tmp_path_factory.mktemp("built"))})
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.dbt_environment(replace(found, database_url=database)).items():
                patch.setenv(name, value)
            tests = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
            assert invoke(["--no-write-json", "build", *tests]).success
        yield database


@dataclass(frozen=True)
class Warehouse:
    """A warehouse with a home of its own on a fresh database, used as a person would: through the command line."""

    landing: Path
    database: str
    capture: pytest.CaptureFixture[str]

    def tally(self, *words: str) -> tuple[int, str, str]:
        """Run one command in this process; its exit code, what it printed, and what it complained about."""
        from dagster_project.cli import main

        self.capture.readouterr()
        code = main(words)
        printed = self.capture.readouterr()
        return code, printed.out, printed.err

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database, options="-c timezone=UTC") as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type]

    def mart_checksums(self) -> dict[str, str]:
        """One checksum for each mart, in any order of rows; `loaded_at` and `delivered_on` tell of the loading."""
        marts = self.fetch("select table_name from information_schema.tables where table_schema = 'marts' order by 1")
        rows = "select md5((to_jsonb(mart) - 'loaded_at' - 'delivered_on')::text) as digest from marts.{} as mart"
        total = "select count(*) || ' ' || md5(coalesce(string_agg(digest, '' order by digest), '')) from ({}) as rows"
        return {name: self.fetch(total.format(rows.format(name)))[0][0] for (name,) in marts}


@pytest.fixture
def warehouse(
    database: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Warehouse:
    (tmp_path / "landing").mkdir()
    monkeypatch.setenv("TALLY_HOME", str(home))
    monkeypatch.setenv("TALLY_LANDING", str(tmp_path / "landing"))
    monkeypatch.setenv("TALLY_DATABASE_URL", database)
    return Warehouse(tmp_path / "landing", database, capsys)


@pytest.fixture
def built(
    built_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Warehouse:
    """The warehouse of the clean sample with its marts, for commands that only read."""
    monkeypatch.setenv("TALLY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TALLY_DATABASE_URL", built_database)
    return Warehouse(tmp_path / "landing", built_database, capsys)
