"""The embedded server: any home, any user, any death, and a given database in its place."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ingest import server
from ingest.errors import ConfigurationError, DatabaseUnreachableError
from ingest.settings import Settings


def settings_of(home: Path) -> Settings:
    return Settings.from_environment({"TALLY_HOME": str(home)})


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that others may pass through, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="tally-test-"))
    path.chmod(0o755)
    yield path
    for link in path.glob("*/postgres"):
        server.stop(settings_of(link.parent))
        if link.is_symlink():
            shutil.rmtree(link.resolve())
    shutil.rmtree(path)


def remember(settings: Settings, text: str) -> None:
    with server.connect(settings) as connection:
        connection.execute("create table if not exists notes (note text)")
        connection.execute("insert into notes values (%s)", (text,))


def remembered(settings: Settings) -> list[str]:
    with server.connect(settings) as connection:
        return [note for (note,) in connection.execute("select note from notes")]


def test_two_homes_live_side_by_side(folder: Path) -> None:
    first, second = settings_of(folder / "a"), settings_of(folder / "b")
    remember(first, "first")
    remember(second, "second")

    assert (remembered(first), remembered(second)) == (["first"], ["second"])


def test_a_killed_server_recovers_what_was_committed(folder: Path) -> None:
    settings = settings_of(folder / "home")
    for round_number in range(3):
        remember(settings, f"round {round_number}")
        pid = int((folder / "home" / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)

    assert remembered(settings) == ["round 0", "round 1", "round 2"]


def test_a_stopped_server_starts_again_on_use(folder: Path) -> None:
    settings = settings_of(folder / "home")
    remember(settings, "kept")

    assert server.stop(settings)
    assert not server.stop(settings)
    assert remembered(settings) == ["kept"]


def test_a_stopped_server_leaves_no_folder_of_its_socket(folder: Path) -> None:
    settings = settings_of(folder / "home")
    runtime = Path(conninfo_to_dict(server.start(settings))["host"])
    assert runtime.is_dir()
    server.stop(settings)

    assert not runtime.exists()


def test_two_commands_at_once_start_one_server(folder: Path) -> None:
    code = (
        "import sys; from ingest import server; from ingest.settings import Settings;"
        "server.connect(Settings.from_environment({'TALLY_HOME': sys.argv[1]}))"
    )
    starters = [subprocess.Popen([sys.executable, "-c", code, str(folder / "home")]) for _ in range(3)]

    assert [starter.wait() for starter in starters] == [0, 0, 0]


@pytest.mark.skipif(os.getuid() != 0, reason="only root's server runs as another user, whom a folder can shut out")
def test_a_home_closed_to_others_works_for_root(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    settings = settings_of(closed / "home")
    remember(settings, "kept")
    server.stop(settings)

    assert remembered(settings) == ["kept"]
    server.stop(settings)
    shutil.rmtree((closed / "home" / "postgres").resolve())


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_plain_user_starts_a_server_of_his_own(folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    shutil.chown(home, "nobody")
    code = (
        "import sys; from ingest import server; from ingest.settings import Settings;"
        "settings = Settings.from_environment({'TALLY_HOME': sys.argv[1]});"
        "server.connect(settings).close(); server.stop(settings)"
    )
    try:
        subprocess.run([sys.executable, "-c", "import ingest"], user="nobody", check=True, cwd="/")
    except (PermissionError, subprocess.CalledProcessError):
        pytest.skip("user nobody cannot reach this Python")

    subprocess.run([sys.executable, "-c", code, str(home)], user="nobody", group="nogroup", check=True, cwd="/")
    assert (home / "postgres").owner() == "nobody"


def test_a_database_that_does_not_answer_is_said_in_one_sentence(tmp_path: Path) -> None:
    url = "postgresql://tally@127.0.0.1:1/tally"
    settings = Settings.from_environment({"TALLY_HOME": str(tmp_path), "TALLY_DATABASE_URL": url})

    with pytest.raises(DatabaseUnreachableError, match="does not answer"):
        server.connect(settings)


@pytest.mark.parametrize("wrong", [{"user": "stranger"}, {"dbname": "elsewhere"}])
def test_a_login_that_is_refused_is_a_matter_of_the_settings(
    server_conninfo: str, tmp_path: Path, wrong: dict[str, str]
) -> None:
    url = make_conninfo(server_conninfo, **wrong)
    settings = Settings.from_environment({"TALLY_HOME": str(tmp_path), "TALLY_DATABASE_URL": url})

    with pytest.raises(
        ConfigurationError, match=r"refuses the login; correct TALLY_DATABASE_URL \(.* does not exist\)"
    ):
        server.connect(settings)


@pytest.mark.parametrize("url", ["nonsense", "mysql://tally:secret@host/tally"])
def test_what_is_no_address_of_a_database_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match="TALLY_DATABASE_URL is not a connection string"):
        Settings.from_environment({"TALLY_DATABASE_URL": url})


def test_a_home_where_nothing_can_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/tally")):
        with pytest.raises(ConfigurationError, match=f"TALLY_HOME is {home}, where nothing can be written"):
            server.connect(settings_of(home))


def test_server_programs_that_are_too_old_are_refused(folder: Path) -> None:
    old = folder / "bin"
    old.mkdir()
    program = old / "postgres"
    program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.4'\n")
    program.chmod(0o755)
    settings = Settings.from_environment({"TALLY_HOME": str(folder / "home"), "TALLY_PG_BIN": str(old)})

    with pytest.raises(ConfigurationError, match="holds PostgreSQL 15; Tally needs 16 or newer"):
        server.start(settings)


def test_a_folder_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="TALLY_CONTRACTS is /nowhere"):
        Settings.from_environment({"TALLY_CONTRACTS": "/nowhere"})
