"""The loader under test, a process of its own: at named steps it reports and waits until it is told to go on.

Run as a program this is the stable: it imports what loaders need and forks one for each order read from its standard
input, so that a loader costs 10 ms instead of a second. What happens to a loader at a step is done from outside.
"""

import json
import logging
import os
import signal
import socket
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from dagster_project.cli import _is_lost_connection
from ingest import server
from ingest.arrivals import find_arrivals
from ingest.contract import System, read_contracts
from ingest.errors import TallyError
from ingest.landing import LandingFile, find_files
from ingest.load import load_files
from ingest.schema import ensure_schemas
from ingest.settings import Settings
from tests.faults.broken import break_loader
from tests.faults.steps import arm


class Control:
    """The line to the harness; it ends when the process does."""

    def __init__(self, path: str, loader: int) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lock = threading.Lock()
        self.socket.send(bytes([loader]))

    def say(self, **message: Any) -> None:
        """Tell the harness; without one there is nothing to go on for."""
        try:
            self.socket.sendall(json.dumps(message).encode() + b"\n")
        except ConnectionError:
            os._exit(1)

    def reached(self, step: str) -> None:
        """Report a step and wait for the word to go on."""
        with self.lock:
            self.say(step=step)
            try:
                go_on = self.socket.recv(1)
            except ConnectionError:
                go_on = b""
            if not go_on:
                os._exit(1)


def load(order: dict[str, Any], systems: tuple[System, ...]) -> None:
    """Load the landing zone as `tally load` does, in the given order of files, and say how it ended."""
    control = Control(order["control"], order["loader"])
    try:
        arm(order["steps"], control.reached)
        if order["broken"]:
            break_loader(order["broken"])
        passes = _load(order, systems, control)
    except Exception as error:
        # What `tally load` answers with the sentence that the database is gone.
        expected = isinstance(error, TallyError) or _is_lost_connection(error)
        control.say(error=f"{type(error).__name__}: {' '.join(str(error).split())}", expected=expected)
    else:
        control.say(done=passes)


def _load(order: dict[str, Any], systems: tuple[System, ...], control: Control) -> list[dict[str, str]]:
    settings = replace(Settings.from_environment({}), database_url=order["database"])
    landing = Path(order["landing"])
    with server.connect(settings) as connection:
        control.say(pid=os.getpid(), backend=connection.info.backend_pid)
        for name, value in order["timeouts"].items():
            connection.execute("select set_config(%s, %s, false)", (name, value))
        connection.commit()
        ensure_schemas(connection, systems)
        passes = []
        for find in (find_arrivals, _find_all)[: order["passes"]]:
            files = find(connection, landing, systems)
            files.sort(key=lambda file: order["files"].index(file.relative))
            passes.append(load_files(connection, systems, files))
    return [{done.path: done.status for done in each} for each in passes]


def _find_all(connection: psycopg.Connection, landing: Path, systems: tuple[System, ...]) -> list[LandingFile]:
    """Every file, with nothing remembered of any."""
    return find_files(landing, systems)


def main() -> None:
    systems = read_contracts(Settings.from_environment({}).contract_folders)
    logging.getLogger("psycopg").addHandler(logging.NullHandler())  # it warns of every connection that is cut
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a loader: its line tells when it ends
    for order in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            load(json.loads(order), systems)
            os._exit(0)


if __name__ == "__main__":
    main()
