"""The other loaders, each in an environment of its own: how they are asked, and what they are held against.

What they do with the rows is in the client's own module, such as `dlt_load`.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.benchmarks.data import Rows
from tests.benchmarks.measure import Measurement
from tests.benchmarks.warehouse import Warehouse, create_partitions

_PACKAGES = ("dlt", "pyarrow", "psycopg2-binary", "adbc-driver-postgresql")


@dataclass(frozen=True)
class Way:
    """One way to load with dlt. `goal` is how many times as fast Tally means to be; None where it is only told.

    `indexed` gives it a table with the same partitions and indexes as Tally's; elsewhere dlt makes its own, with no
    index but one on `_dlt_id`.
    """

    name: str
    label: str
    reads_arrow: bool
    goal: float | None = None
    indexed: bool = False


WAYS = (
    Way("default", "dlt as it comes", reads_arrow=False, goal=8),
    Way("merge", "dlt merge, tuned", reads_arrow=False, goal=4),
    Way("arrow", "dlt Arrow, CSV", reads_arrow=True, goal=1.5),
    Way("adbc", "dlt Arrow, ADBC", reads_arrow=True),
    Way("adbc-merge", "dlt Arrow merge, ADBC", reads_arrow=True),
    Way("adbc-merge", "dlt Arrow merge, ADBC, same indexes", reads_arrow=True, indexed=True),
)


def load_with_dlt(python: Path, server: Warehouse, way: Way, file: Path, rows: Rows) -> Measurement:
    """Load a file of these rows into a fresh database with dlt, whose own state goes afterwards."""
    name = rows.table.split(".")[1]
    client = Path(__file__).with_name("dlt_load.py")
    with server.database() as database, server.scratch() as folder:
        if way.indexed:
            _prepare(database, rows)
        told = conninfo_to_dict(database)
        # The server asks for no password, but dlt insists on one.
        url = f"postgresql://tally:none@localhost/{told['dbname']}?host={told['host']}&port={told['port']}"
        environment = {
            "DLT_DATA_DIR": str(folder),
            "DLT_PROJECT_DIR": str(folder),
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "RUNTIME__LOG_LEVEL": "ERROR",
        }
        measured = server.measure([python, client, way.name, file, url, name, "id"], environment)
        server.expect_rows(database, f"bench.{name}", rows.count)
    return measured


def _prepare(database: str, rows: Rows) -> None:
    """Make the table that dlt will find: Tally's, but text where the ADBC driver can copy nothing else."""
    system, name = rows.table.split(".")
    ours, theirs = sql.Identifier(f"raw_{system}", name), sql.Identifier("bench", name)
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "select attname, pg_get_partkeydef(attrelid) from pg_attribute"
            " where attrelid = %s::regclass and attnum > 0 and atttypid in ('uuid'::regtype, 'jsonb'::regtype)",
            (f"raw_{system}.{name}",),
        ).fetchall()
        partition_key = sql.SQL(found[0][1])
        connection.execute("create schema bench")
        connection.execute(
            sql.SQL("create table {} (like {} including indexes) partition by {}").format(theirs, ours, partition_key)
        )
        changes = [sql.SQL("alter {} type varchar").format(sql.Identifier(column)) for column, _ in found]
        changes.append(sql.SQL("drop _load_id"))
        connection.execute(sql.SQL("alter table {} {}").format(theirs, sql.SQL(", ").join(changes)))
        create_partitions(connection, "bench", name, rows.months())


def versions(python: Path) -> dict[str, str]:
    """What is installed where the peers live."""
    names = ", ".join(map(repr, _PACKAGES))
    program = f"from importlib.metadata import version\nfor name in ({names}): print(name, version(name))"
    told = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout
    return dict(line.split() for line in told.splitlines())
