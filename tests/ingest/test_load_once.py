"""Exactly once, whatever happens: killed loaders, two loaders at once, and a cut connection."""

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from ingest.contract import System
from ingest.landing import find_files
from ingest.load import load_files

ROWS = 500
FILES = 6

# Loads a landing zone, and dies at the named step of the first file.
LOADER = """
import os, signal, sys
import psycopg
import ingest.load as load
from ingest.contract import read_contracts
from ingest.landing import find_files
from ingest.settings import Settings
from pathlib import Path

database, landing, step, moment = sys.argv[1:]
original = getattr(load, step)

def dying(*arguments):
    if moment == "after":
        original(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(load, step, dying)
systems = read_contracts(Settings.from_environment({}).contract_folders)
with psycopg.connect(database) as connection:
    load.load_files(connection, systems, find_files(Path(landing), systems))
"""


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """Six files of 500 ledger entries each, of two months; every file repeats the last row of the one before."""
    folder = tmp_path / "landing" / "advert_market" / "ledger_entries" / "date=2026-07-01"
    folder.mkdir(parents=True)
    for number in range(FILES):
        first = number * ROWS - (number > 0)
        lines = [json.dumps(entry(key)) + "\n" for key in range(first, (number + 1) * ROWS)]
        (folder / f"part-{number}.ndjson").write_text("".join(lines))
    return tmp_path / "landing"


def entry(key: int) -> dict[str, object]:
    return {
        "id": str(UUID(int=key)),
        "tx_ref": str(UUID(int=key // 2)),
        "account_id": "EXTERNAL_TON",
        "direction": "DEBIT" if key % 2 else "CREDIT",
        "amount_nano": key + 1,
        "created_at": f"2026-0{5 + key % 2}-15T00:00:00Z",
    }


def assert_loaded_once(connection: psycopg.Connection) -> None:
    held = connection.execute(
        "select count(*), count(distinct id), sum(amount_nano) from raw_advert_market.ledger_entries"
    ).fetchall()
    total = ROWS * FILES
    assert held == [(total, total, total * (total + 1) // 2)]
    manifest = connection.execute(
        "select count(*), sum(rows_read), sum(rows_accepted), sum(rows_duplicate) from ingest.loads"
    ).fetchall()
    assert manifest == [(FILES, total + FILES - 1, total, FILES - 1)]


def load_all(database: str, landing: Path, systems: tuple[System, ...]) -> None:
    with psycopg.connect(database, options="-c timezone=UTC") as connection:
        load_files(connection, systems, find_files(landing, systems))


@pytest.mark.parametrize(
    ("step", "moment", "files_kept"),
    [
        ("_begin", "after", 0),
        ("stage", "before", 0),
        ("merge", "before", 0),
        ("merge", "after", 0),
        ("_finish", "after", 0),
        ("_outcome", "before", 1),
    ],
)
def test_a_loader_that_is_killed_leaves_whole_files_or_nothing(
    database: str, landing: Path, systems: tuple[System, ...], step: str, moment: str, files_kept: int
) -> None:
    killed = subprocess.run([sys.executable, "-c", LOADER, database, str(landing), step, moment], check=False)
    assert killed.returncode == -signal.SIGKILL
    with psycopg.connect(database) as connection:
        rows = connection.execute("select count(*) from raw_advert_market.ledger_entries").fetchall()
        files = connection.execute("select count(*) from ingest.loads").fetchall()
        assert (files, rows) == ([(files_kept,)], [(files_kept * ROWS,)])

    load_all(database, landing, systems)
    with psycopg.connect(database) as connection:
        assert_loaded_once(connection)


def test_four_loaders_at_once_load_every_file_once(database: str, landing: Path, systems: tuple[System, ...]) -> None:
    with ThreadPoolExecutor(4) as loaders:
        for done in [loaders.submit(load_all, database, landing, systems) for _ in range(4)]:
            done.result()

    with psycopg.connect(database) as connection:
        assert_loaded_once(connection)


def test_a_connection_cut_while_loading_leaves_nothing_of_the_file(
    database: str, landing: Path, systems: tuple[System, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    import ingest.load

    merge = ingest.load.merge

    def cut(connection: psycopg.Connection, *arguments: object) -> object:
        with psycopg.connect(database, autocommit=True) as other:
            other.execute("select pg_terminate_backend(%s)", (connection.info.backend_pid,))
        return merge(connection, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest.load, "merge", cut)
    with pytest.raises(psycopg.OperationalError):
        load_all(database, landing, systems)
    monkeypatch.undo()

    load_all(database, landing, systems)
    with psycopg.connect(database) as connection:
        assert_loaded_once(connection)
