"""DuckDB beside Postgres: connections in UTC that read the warehouse through the extension from its wheel.

DuckDB reads a Postgres `numeric` without a declared precision as a double, which loses the last digits of large
amounts: whoever reads one declares its decimals in Postgres, by `postgres_query`.
"""

from importlib import resources
from pathlib import Path

import duckdb
from psycopg.conninfo import make_conninfo

from ingest import server
from ingest.settings import Settings

EXTENSION = "postgres_scanner"
MEMORY_LIMIT = "1GB"  # beside a Postgres on the same machine; what needs more spills to the home's disk


def connect(settings: Settings) -> duckdb.DuckDBPyConnection:
    """An empty database in memory."""
    folder = settings.make_home() / "duckdb"
    folder.mkdir(parents=True, exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "extension_directory": str(folder),
        "temp_directory": str(folder / "spilled"),
        "autoinstall_known_extensions": "false",
        "memory_limit": MEMORY_LIMIT,
    }
    connection = duckdb.connect(config=config)
    connection.execute("load icu")
    connection.execute("set timezone = 'UTC'")
    return connection


def attach_postgres(connection: duckdb.DuckDBPyConnection, settings: Settings, role: str | None = None) -> None:
    """Make the warehouse readable as database `postgres`, starting the embedded server when needed."""
    connection.execute(f"install '{_extension_file()}'")
    session = "-c timezone=UTC" + (f" -c role={role}" if role else "")
    conninfo = make_conninfo(server.start(settings), options=session)
    connection.execute(f"attach {quoted(conninfo)} as postgres (type postgres, read_only)")


def quoted(text: str) -> str:
    """The text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """The name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def _extension_file() -> Path:
    """The extension's file in its wheel, for the version of DuckDB that is installed; nothing is downloaded."""
    package = resources.files(f"duckdb_extension_{EXTENSION}")
    with resources.as_file(package) as folder:
        return next(folder.glob(f"extensions/*/{EXTENSION}.duckdb_extension"))
