"""A PostgreSQL server of the harness's own, which may be crashed and whose disk may be full."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ingest import server
from ingest.contract import System
from ingest.schema import ensure_schemas
from ingest.settings import Settings

# A crash of the server loses nothing that the operating system was given, so fsync proves nothing here; it would take
# a crash of the machine. What a commit promises otherwise (synchronous_commit) stays as it is for users.
FAST = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "shared_buffers": "64MB"}
TEMPLATE = "tally_faults"
DISK_MB = 64


class Cluster:
    """The server, a template database with all schemas, and a small disk; use as a context manager."""

    def __init__(self, systems: tuple[System, ...]) -> None:
        self.systems = systems
        # Not a folder closed to others: root's server runs as a plain user.
        self.folder = Path(tempfile.mkdtemp(prefix="tally-faults-"))
        self.folder.chmod(0o755)
        self.settings = replace(Settings.from_environment({}), home=self.folder / "home")
        self.disk = self.folder / "disk"
        self.no_disk: str | None = "not tried"
        self.number = count()
        self.crashes = 0

    def __enter__(self) -> "Cluster":
        self.conninfo = server.start(self.settings)
        with psycopg.connect(self.conninfo, autocommit=True) as admin:
            for name, value in FAST.items():
                admin.execute(f"alter system set {name} = '{value}'")
        server.stop(self.settings)
        server.start(self.settings)
        self.admin = psycopg.connect(self.conninfo, autocommit=True)
        self.admin.execute(f"create database {TEMPLATE}")
        with psycopg.connect(make_conninfo(self.conninfo, dbname=TEMPLATE)) as connection:
            ensure_schemas(connection, self.systems)
        self.no_disk = self._mount()
        return self

    def __exit__(self, *_: object) -> None:
        self.admin.close()
        server.stop(self.settings)
        if self.no_disk is None:
            subprocess.run(["/bin/umount", self.disk], check=True)
        data = self.settings.home / "postgres"
        if data.is_symlink():
            shutil.rmtree(data.resolve())
        shutil.rmtree(self.folder)

    @property
    def socket(self) -> str:
        """The path of the server's socket."""
        where = conninfo_to_dict(self.conninfo)
        return f"{where['host']}/.s.PGSQL.{where['port']}"

    @contextmanager
    def database(self, on_small_disk: bool) -> Iterator[str]:
        """A fresh database with all schemas; its connection string."""
        name = f"{TEMPLATE}_{next(self.number)}"
        where = " tablespace small" if on_small_disk else ""
        self.admin.execute(f"create database {name} template {TEMPLATE}{where}")
        try:
            yield make_conninfo(self.conninfo, dbname=name)
        finally:
            self.admin.execute(f"drop database {name} with (force)")

    def crash(self) -> None:
        """Stop the server as a crash would, whoever is connected, and start it again."""
        self.crashes += 1
        server._Cluster(self.settings).control("stop", "-m", "immediate")
        server.start(self.settings)
        self.admin.close()
        self.admin = psycopg.connect(self.conninfo, autocommit=True)

    def terminate(self, backend: int) -> None:
        """End one connection from the server's side, and wait until it is over."""
        self.admin.execute("select pg_terminate_backend(%s, 5000)", (backend,))

    def fill_disk(self, spare_bytes: int) -> None:
        """Leave this much room on the small disk, or what loaders have not taken meanwhile."""
        room = os.statvfs(self.disk)
        with (self.disk / "ballast").open("wb") as ballast, contextlib.suppress(OSError):
            ballast.write(bytes(max(0, room.f_bavail * room.f_frsize - spare_bytes)))

    def free_disk(self) -> None:
        (self.disk / "ballast").unlink(missing_ok=True)

    def _mount(self) -> str | None:
        """Make the small disk; why there is none, if there is none."""
        if os.geteuid() != 0:
            return "a small disk can only be mounted by root"
        user = server._server_user()
        self.disk.mkdir()
        options = f"size={DISK_MB}m,uid={user.pw_uid},gid={user.pw_gid},mode=700"
        mounted = subprocess.run(
            ["/bin/mount", "-t", "tmpfs", "-o", options, "tally-faults", self.disk],
            capture_output=True,
            text=True,
            check=False,
        )
        if mounted.returncode:
            return f"a small disk cannot be mounted ({mounted.stderr.strip()})"
        space = self.disk / "space"
        space.mkdir()
        os.chown(space, user.pw_uid, user.pw_gid)
        self.admin.execute(f"create tablespace small location '{space}'")
        return None
