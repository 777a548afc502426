"""`tally ui` and `tally stop`: the servers that outlive a command, or make one."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

WORKSPACE = Path(__file__).parents[2] / "workspace.yaml"
LOOPBACK = "127.0.0.1"


def ui(port: Annotated[int, typer.Option(min=1, max=65535, help="The port on loopback.")] = 3000) -> None:
    """Serve Dagster's web UI on loopback, with the schedules running, until Ctrl-C."""
    from dagster_project import environment
    from ingest.errors import TallyError
    from ingest.settings import Settings

    settings = Settings.from_environment()
    _refuse_taken(port)
    environment.prepare(settings)
    for stopping in (signal.SIGINT, signal.SIGTERM):
        # A shell script starts its background jobs deaf to interrupts, and Dagster would inherit that from us.
        signal.signal(stopping, signal.default_int_handler)
    log = environment.logs_folder(settings) / "ui.log"
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(WORKSPACE), "-h", LOOPBACK, "-p", str(port)]
    with log.open("w", encoding="utf-8") as output:
        # In a group of its own, so that Ctrl-C reaches it once, from us, and not while it is already stopping.
        server = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)  # noqa: S603
        try:
            _announce(server, port)
            server.wait()
        except KeyboardInterrupt:
            os.killpg(server.pid, signal.SIGINT)
            server.wait()
            return
    raise TallyError(f"Dagster's web UI ended by itself; {log} says why.")


def _refuse_taken(port: int) -> None:
    from ingest.errors import ConfigurationError

    with socket.socket() as probe:
        if probe.connect_ex((LOOPBACK, port)) == 0:
            raise ConfigurationError(f"Port {port} is taken; choose another with --port.")


def _announce(server: subprocess.Popen[bytes], port: int) -> None:
    print("Starting Dagster's web UI, which takes some seconds …", flush=True)
    while server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                print(f"It is at http://{LOOPBACK}:{port} (Ctrl-C stops it).", flush=True)
                return
        time.sleep(0.2)


def stop() -> None:
    """Stop the embedded database server; the next command starts it again."""
    from ingest import server
    from ingest.settings import Settings

    settings = Settings.from_environment()
    if settings.database_url:
        print("The database is TALLY_DATABASE_URL's, which Tally does not stop.")
    elif server.stop(settings):
        print("Stopped the embedded database server.")
    else:
        print("The embedded database server is not running.")
