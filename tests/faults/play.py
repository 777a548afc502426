"""One round of a schedule: loaders that run together, and what is done to them.

A loader reports every named step that the round cares for, and waits. While it waits the database is looked at as any
reader would, and then the loader goes on, or the deed is done. All faults come from outside of the loader.
"""

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from tests.faults.cluster import Cluster
from tests.faults.proxy import Proxy
from tests.faults.reader import Eyes
from tests.faults.schedule import AT_MOMENT, ON_CONNECTION, Round
from tests.faults.snapshot import Judge

PATIENCE = 60.0  # seconds after which loaders count as hanging; a round takes one or two
LOOK_LOCK_TIMEOUT = "20ms"  # a table locked by the loader that waits for us can show nothing to anybody


@dataclass
class Stage:
    """What the rounds of one schedule have in common."""

    cluster: Cluster
    stable: subprocess.Popen[str]
    door: socket.socket
    folder: Path
    database: str
    judge: Judge
    broken: str | None


@dataclass
class Loader:
    """A running loader as the harness knows it."""

    number: int
    line: socket.socket | None = None
    pid: int = 0
    backend: int = 0
    unread: bytes = b""
    harmed: bool = False
    killed: bool = False
    ended: bool = False
    said: dict[str, Any] = field(default_factory=dict)


class Play:
    """The round as it is played; `passes` is how often every loader goes through the landing zone."""

    def __init__(self, stage: Stage, each: Round, passes: int) -> None:
        self.stage = stage
        self.round = each
        self.passes = passes
        self.loaders = [Loader(number) for number in range(len(each.orders))]
        self.proxies: dict[int, Proxy] = {}
        self.arrivals = [0 for _ in each.faults]
        self.struck: set[int] = set()  # places in round.faults
        self.problems: list[str] = []
        self.eyes = Eyes(stage.judge)
        self.connection: psycopg.Connection | None = None

    def run(self) -> None:
        """Start the loaders and attend to them until the last has ended; then `problems` says what was wrong."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.stage.door, selectors.EVENT_READ)
            for loader in self.loaders:
                self._start(loader)
            self._attend(selector)
        if self.connection:
            self.connection.close()
        for proxy in self.proxies.values():
            proxy.close()
        self.stage.cluster.free_disk()
        for place, fault in enumerate(self.round.faults):
            if fault.kind == "timeout very low" and "error" in self.loaders[0].said:
                self.struck.add(place)
            if fault.kind == "disk full":
                full = any("DiskFull" in loader.said.get("error", "") for loader in self.loaders)
                self.struck -= set() if full else {place}
            if fault.bytes or (fault.nth and not fault.step):
                self.struck |= {place} if self.proxies[0].has_cut else set()
        self.problems += [problem for loader in self.loaders for problem in self._judged(loader)]

    def _start(self, loader: Loader) -> None:
        steps = {*self.round.watched, *(fault.step for fault in self.round.faults if fault.step)}
        order = {
            "control": str(self.stage.folder / "control"),
            "loader": loader.number,
            "database": self._database_for(loader),
            "landing": str(self.stage.folder / "landing"),
            "files": self.round.orders[loader.number],
            "steps": sorted(steps),
            "timeouts": {},
            "passes": self.passes,
            "broken": self.stage.broken,
        }
        for fault in self.round.faults:
            if fault.kind in ON_CONNECTION and loader.number == 0:
                order["timeouts"] = fault.timeouts
                loader.harmed = True
        print(json.dumps(order), file=self.stage.stable.stdin, flush=True)

    def _database_for(self, loader: Loader) -> str:
        for fault in self.round.faults:
            limits: dict[str, int] | None = None
            if fault.kind == "connection cut":
                limits = {}
            elif loader.number == 0 and fault.kind == "connection cut after some bytes":
                limits = {"cut_after": fault.bytes}
            elif loader.number == 0 and fault.kind == "answer to commit lost":
                limits = {"lose_commit": fault.nth}
            if limits is not None:
                folder = self.stage.folder / f"proxy-{loader.number}"
                self.proxies[loader.number] = Proxy(folder, self.stage.cluster.socket, **limits)
                return make_conninfo(self.stage.database, host=str(folder))
        return self.stage.database

    def _attend(self, selector: selectors.BaseSelector) -> None:
        began = time.monotonic()
        due = {place: f.milliseconds / 1000 for place, f in enumerate(self.round.faults) if f.kind in AT_MOMENT}
        while not all(loader.ended for loader in self.loaders):
            passed = time.monotonic() - began
            for place in [place for place, moment in due.items() if moment <= passed]:
                del due[place]
                self._strike_at_moment(place)
            if passed > PATIENCE:
                return self._give_up()
            if self.stage.stable.poll() is not None:
                raise RuntimeError("the process that starts loaders has ended; it said why on standard error")
            for key, _ in selector.select(min([1.0, *(moment - passed for moment in due.values())])):
                if key.fileobj is self.stage.door:
                    self._greet(selector)
                else:
                    self._listen(selector, key.data)

    def _greet(self, selector: selectors.BaseSelector) -> None:
        line, _ = self.stage.door.accept()
        loader = self.loaders[line.recv(1)[0]]
        loader.line = line
        selector.register(line, selectors.EVENT_READ, loader)

    def _listen(self, selector: selectors.BaseSelector, loader: Loader) -> None:
        assert loader.line
        try:
            heard = loader.line.recv(1 << 16)
        except ConnectionResetError:  # killed before it read our word to go on
            heard = b""
        if not heard:
            selector.unregister(loader.line)
            loader.line.close()
            loader.ended = True
            return
        *messages, loader.unread = (loader.unread + heard).split(b"\n")
        for message in map(json.loads, messages):
            if "pid" in message:
                loader.pid, loader.backend = message["pid"], message["backend"]
            elif "step" in message:
                self._arrived(loader, message["step"])
            else:
                loader.said = message

    def _arrived(self, loader: Loader, step: str) -> None:
        self._look()
        for place, fault in enumerate(self.round.faults):
            if fault.step == step:
                self.arrivals[place] += 1
                if self.arrivals[place] == fault.nth:
                    self._strike(place, loader)
        assert loader.line
        with contextlib.suppress(BrokenPipeError):  # it may just have been killed
            loader.line.send(b"\n")

    def _look(self) -> None:
        if self.problems:  # enough was seen
            return
        try:
            if self.connection is None:
                options = f"-c timezone=UTC -c lock_timeout={LOOK_LOCK_TIMEOUT}"
                self.connection = psycopg.connect(self.stage.database, options=options, autocommit=True)
            self.problems += self.eyes.look(self.connection)
        except psycopg.errors.LockNotAvailable:
            pass
        except psycopg.OperationalError:
            self.connection = None

    def _strike_at_moment(self, place: int) -> None:
        running = [loader for loader in self.loaders if loader.pid and not loader.ended]
        if running:
            self._strike(place, running[0])

    def _strike(self, place: int, loader: Loader) -> None:
        fault, cluster = self.round.faults[place], self.stage.cluster
        self.struck.add(place)
        for harmed in self.loaders if fault.kind.startswith(("server", "disk")) else [loader]:
            harmed.harmed = True
        if fault.kind.startswith("killed"):
            loader.killed = _kill(loader)
            self.struck -= set() if loader.killed else {place}
        elif fault.kind.startswith("backend terminated"):
            cluster.terminate(loader.backend)
        elif fault.kind.startswith("server crashed"):
            cluster.free_disk()  # a server cannot recover on a full disk, nor need it here
            cluster.crash()
        elif fault.kind == "connection cut":
            self.proxies[loader.number].cut()
        elif fault.kind == "disk full":
            cluster.fill_disk(fault.spare_bytes)

    def _give_up(self) -> None:
        for loader in self.loaders:
            if not loader.ended:
                self.problems.append(f"loader {loader.number} hangs")
                loader.killed = loader.harmed = True
                _kill(loader)

    def _judged(self, loader: Loader) -> Iterator[str]:
        """What was wrong about how a loader ended: only what was harmed may fail, and only with a sentence."""
        if "error" in loader.said:
            if not loader.harmed:
                yield f"loader {loader.number}, which nothing had harmed, failed: {loader.said['error']}"
            elif not loader.said["expected"]:
                yield f"loader {loader.number} ended with more than a sentence: {loader.said['error']}"
        elif "done" not in loader.said and not loader.killed:
            yield f"loader {loader.number} ended without a word"
        for number, statuses in enumerate(loader.said.get("done", ())):
            for path, delivery in self.stage.judge.deliveries.items():
                expected = {"failed"} if not delivery.readable else {"skipped"} if number else {"loaded", "skipped"}
                if statuses.get(path) not in expected:
                    yield f"loader {loader.number} reported {path} as {statuses.get(path)} in pass {number + 1}"


def _kill(loader: Loader) -> bool:
    """Kill the loader; False when there is none to kill: it has just ended, or has not said who it is."""
    if not loader.pid:
        return False  # a pid of 0 would be the harness and all it has started
    try:
        os.kill(loader.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
