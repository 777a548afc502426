"""A server that was restarted, crashed or copied numbers its transactions anew: then everything is read again."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from ingest import server
from ingest.settings import Settings
from tests.ingest.operational import TOY, Operation, toy_system


@pytest.fixture
def homes() -> Iterator[Path]:
    """A folder for the homes of servers; those that run at the end are stopped."""
    folder = Path(tempfile.mkdtemp(prefix="tally-test-"))
    folder.chmod(0o755)
    yield folder
    for home in folder.glob("*/postgres"):
        server.stop(settings_of(home.parent))
    shutil.rmtree(folder)


def settings_of(home: Path) -> Settings:
    return Settings.from_environment({"TALLY_HOME": str(home)})


def in_operation(home: Path, tmp_path: Path, statements: str) -> Operation:
    """The toy system on the server of a home, after some statements; it keeps no connection."""
    conninfo = server.start(settings_of(home))
    with psycopg.connect(conninfo, autocommit=True) as connection:
        operation = Operation(toy_system(tmp_path), conninfo, tmp_path / "landing", connection)
        operation.run(statements)
    return operation


def answers(conninfo: str) -> bool:
    try:
        psycopg.connect(conninfo).close()
    except psycopg.OperationalError:
        return False
    return True


def restart(home: Path) -> None:
    server.stop(settings_of(home))
    server.start(settings_of(home))


def crash_a_session(home: Path) -> None:
    """What a kernel short of memory does: the postmaster lives on, and recovers from the log."""
    conninfo = server.start(settings_of(home))
    with psycopg.connect(conninfo) as connection:
        postmaster = (home / "postgres" / "data" / "postmaster.pid").read_text().split()[0]
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    deadline = time.monotonic() + 60
    while not answers(conninfo):
        assert time.monotonic() < deadline
    assert (home / "postgres" / "data" / "postmaster.pid").read_text().split()[0] == postmaster


@pytest.mark.parametrize("happening", [restart, crash_a_session])
def test_after_a_restart_everything_is_read_again(
    homes: Path, tmp_path: Path, happening: Callable[[Path], None]
) -> None:
    toy = in_operation(homes / "one", tmp_path, TOY + ";\ninsert into entries values (1)")
    toy.pull()
    assert toy.rows_pulled() == {}
    happening(homes / "one")
    toy = in_operation(homes / "one", tmp_path, "insert into entries values (2)")
    again = toy.pull()

    assert "restarted" in str(again.why_whole)
    assert sorted(row["id"] for row in toy.delivered("entries")) == [1, 1, 2]
    assert toy.rows_pulled() == {}


def test_a_copy_of_the_source_is_told_from_it_although_it_bears_the_same_identifier(
    homes: Path, tmp_path: Path
) -> None:
    in_operation(homes / "one", tmp_path, TOY)
    server.stop(settings_of(homes / "one"))
    subprocess.run(["/bin/cp", "-a", homes / "one", homes / "copy"], check=True)
    first = in_operation(homes / "one", tmp_path, ";\n".join(f"insert into entries values ({n})" for n in range(9)))
    first.pull()
    copy = in_operation(homes / "copy", tmp_path, "insert into entries values (100)")

    # In the copy this row's transaction bears the number of one that the first server had finished.
    assert "another server" in str(copy.pull().why_whole)
    assert [row["id"] for row in copy.delivered("entries")] == [*range(9), 100]
