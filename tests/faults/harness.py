"""Plays schedules against a server of its own, and says what came of each."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from ingest.contract import System, Table
from ingest.versions import relations
from tests.faults.cluster import Cluster
from tests.faults.deliveries import write
from tests.faults.play import Play, Stage
from tests.faults.reader import Reader
from tests.faults.rows import kits
from tests.faults.schedule import Schedule, draw_schedule
from tests.faults.snapshot import Judge, take

ROOT = Path(__file__).parents[2]


@dataclass
class Outcome:
    """What came of one schedule: which faults took place (by their place in it), and what was wrong.

    `loaded` counts the files in the warehouse after each round.
    """

    schedule: Schedule
    struck: set[int] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    loaded: list[int] = field(default_factory=list)
    skipped: str | None = None
    looks: int = 0
    seconds: float = 0.0


class Harness:
    """A server, a stable of loaders and a folder for landing zones; use as a context manager."""

    def __init__(self, systems: tuple[System, ...]) -> None:
        named = {f"{table.system}.{table.name}": table for system in systems for table in system.tables}
        self.tables: Mapping[str, Table] = {name: named[name] for name in kits()}
        self.cluster = Cluster(systems)

    def __enter__(self) -> "Harness":
        with ExitStack() as stack:
            # Short: the path of a socket has at most 107 bytes.
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tf-")))
            stack.enter_context(self.cluster)
            self.stable = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.loader"],
                stdin=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT), "POLARS_MAX_THREADS": "1"},
            )
            stack.callback(self.stable.wait)
            assert self.stable.stdin
            stack.enter_context(self.stable.stdin)
            self.door = stack.enter_context(socket.socket(socket.AF_UNIX))
            self.door.bind(str(self.folder / "control"))
            self.door.listen()
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def draw(self, seed: int) -> Schedule:
        """The schedule of this seed."""
        return draw_schedule(seed, self.tables)

    def run(self, schedule: Schedule, broken: str | None = None) -> Outcome:
        """Play the schedule with the loader, or with one that is broken as tests.faults.broken says."""
        outcome = Outcome(schedule)
        if schedule.on_small_disk and self.cluster.no_disk:
            outcome.skipped = self.cluster.no_disk
            return outcome
        began = time.monotonic()
        write(self.folder / "landing", schedule.deliveries)
        with self.cluster.database(schedule.on_small_disk) as database:
            self._play(outcome, database, broken)
        shutil.rmtree(self.folder / "landing")
        outcome.problems = list(dict.fromkeys(outcome.problems))
        outcome.seconds = time.monotonic() - began
        return outcome

    def _play(self, outcome: Outcome, database: str, broken: str | None) -> None:
        schedule = outcome.schedule
        judge = Judge(self.tables, schedule.deliveries)
        stage = Stage(self.cluster, self.stable, self.door, self.folder, database, judge, broken)
        faults_before = 0
        with Reader(database, judge) as reader:
            for each in (*schedule.rounds, schedule.last):
                # The last loaders go through all files twice: nothing is new the second time.
                play = Play(stage, each, passes=2 if each is schedule.last else 1)
                play.run()
                outcome.problems += play.problems
                outcome.struck |= {faults_before + place for place in play.struck}
                outcome.looks += play.eyes.looks
                faults_before += len(each.faults)
                with psycopg.connect(database, options="-c timezone=UTC", autocommit=True) as connection:
                    seen = take(connection, self.tables)
                outcome.loaded.append(len(seen.loads))
        outcome.problems += judge.unfinished(seen)
        outcome.problems += reader.problems
        outcome.looks += reader.eyes.looks
        with psycopg.connect(database) as connection:
            outcome.problems += _leftovers(connection, self.cluster.systems)
            outcome.problems += _unregistered(connection, self.tables)


def _leftovers(connection: psycopg.Connection, systems: tuple[System, ...]) -> Iterator[str]:
    """Tables beside those of the contracts, such as a partition that was built and never attached."""
    known = {(kept.schema, kept.name) for system in systems for table in system.tables for kept in relations(table)}
    found = connection.execute(
        "select relnamespace::regnamespace::text, relname from pg_class"
        " where relnamespace::regnamespace::text like 'raw\\_%' and relkind in ('r', 'p') and not relispartition"
    ).fetchall()
    yield from (f"{schema}.{name} was left behind" for schema, name in found if (schema, name) not in known)


def _unregistered(connection: psycopg.Connection, tables: Mapping[str, Table]) -> Iterator[str]:
    """Keys that an append table holds and its registry does not, or the other way round."""
    for name, table in tables.items():
        if table.load_mode == "append":
            keys = ", ".join(table.key)
            held, registered = f"select {keys} from raw_{name}", f"select {keys} from keys_{name}"
            for one, other, where in ((held, registered, "the registry"), (registered, held, "the table")):
                lost = connection.execute(f"{one} except all {other}").fetchall()
                yield from (f"{name}: key {key} is not in {where}" for key in lost)
