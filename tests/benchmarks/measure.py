"""Measuring one client process: how long its work took, what it cost in processor time, how much memory it held.

What the process does, and what its figures are compared with, belongs elsewhere.
"""

import json
import os
import resource
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[2]
_SAMPLE_EVERY = 0.05  # seconds


class BenchmarkError(Exception):
    """A measurement that did not do what it was meant to measure."""


@dataclass(frozen=True)
class Measurement:
    """One run: seconds of work and what the client told of it.

    `cpu_seconds` is the processor time of the client's whole process and of the server meanwhile: noise of others
    moves it far less than the seconds. `peak_bytes` is the client's resident memory. Both are None without /proc.
    """

    seconds: float
    cpu_seconds: float | None
    peak_bytes: int | None
    told: Mapping[str, Any]


@dataclass
class Series:
    """The runs of one contender in one case; `rows` is what each run moved."""

    case: str
    contender: str
    rows: int
    runs: list[Measurement] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The median."""
        return median(run.seconds for run in self.runs)

    @property
    def rate(self) -> float:
        """Rows a second, by the median."""
        return self.rows / self.seconds

    @property
    def cpu_seconds(self) -> float | None:
        """The median."""
        known = [run.cpu_seconds for run in self.runs if run.cpu_seconds is not None]
        return median(known) if known else None

    @property
    def peak_bytes(self) -> int | None:
        """The highest of all runs."""
        known = [run.peak_bytes for run in self.runs if run.peak_bytes is not None]
        return max(known, default=None)


class Book:
    """All series of a run, by case and contender."""

    def __init__(self) -> None:
        self.series: dict[tuple[str, str], Series] = {}

    def record(self, case: str, contender: str, rows: int, measurement: Measurement) -> None:
        """Add one run; a contender moves as many rows in each run of a case."""
        series = self.series.setdefault((case, contender), Series(case, contender, rows))
        if series.rows != rows:
            raise BenchmarkError(f"{case}: {contender} moved {rows} rows, and {series.rows} before.")
        series.runs.append(measurement)

    def find(self, case: str, contender: str) -> Series | None:
        """The series, or None when it was not measured."""
        return self.series.get((case, contender))


@dataclass(frozen=True)
class Trial:
    """Something to run and record under a name such as `first/ndjson/tally`; `once` for what need not be repeated."""

    name: str
    run: Callable[[Book], None]
    once: bool = False


@dataclass(frozen=True)
class Comparison:
    """What is claimed of two figures, and whether it holds: `value` must be at least (or at most) `goal`."""

    claim: str
    value: float
    goal: float | None = None
    at_most: bool = False
    unit: str = "x"

    @property
    def is_met(self) -> bool | None:
        """None where there is no goal."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.at_most else self.value >= self.goal


def run_in_turns(trials: Sequence[Trial], runs: int, book: Book, tell: Callable[[str], None]) -> None:
    """Run each trial `runs` times, forwards and backwards in turn, so that the machine's noise hits all alike."""
    for number in range(runs):
        for trial in trials if number % 2 == 0 else reversed(trials):
            if number == 0 or not trial.once:
                tell(f"{trial.name}, run {number + 1} of {1 if trial.once else runs}")
                trial.run(book)


def measure(command: Sequence[str | Path], environment: Mapping[str, str], server_pid: int) -> Measurement:
    """Run a client to its end. What it prints on its last line as JSON is kept, and its own `seconds` are believed.

    A client that tells no `seconds` is timed from outside. One that fails raises BenchmarkError with its last words.
    """
    began, cpu_before = time.perf_counter(), _cpu_seconds(server_pid)
    client = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    watch = _MemoryWatch(client.pid)
    watch.start()
    output, complaints = client.communicate()
    seconds = time.perf_counter() - began
    watch.join()
    if client.returncode:
        raise BenchmarkError(f"{' '.join(map(str, command))} failed: {complaints.strip()[-2000:]}")
    told = _told(output)
    cpu_after = _cpu_seconds(server_pid)
    cpu = cpu_after - cpu_before if cpu_after is not None and cpu_before is not None else None
    return Measurement(told.pop("seconds", seconds), cpu, watch.peak_bytes, told)


def _cpu_seconds(server_pid: int) -> float | None:
    """Processor time so far of all clients that ended, and of the server with all its children, living and ended."""
    clients = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = 0
    for pid in _family(server_pid):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))  # its own and its waited-for children's, user and system
    if not ticks:
        return None
    return clients.ru_utime + clients.ru_stime + ticks / os.sysconf("SC_CLK_TCK")


def _told(output: str) -> dict[str, Any]:
    last = output.strip().rsplit("\n", 1)[-1]
    return dict(json.loads(last)) if last.startswith("{") else {}


class _MemoryWatch(threading.Thread):
    """Looks at a process and its descendants until it ends.

    The kernel's own high-water mark counts for each process (it starts afresh with the program, unlike `getrusage`,
    which begins with the parent's); for several at once it is the greatest sum seen.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.peak_bytes: int | None = None

    def run(self) -> None:
        while (family := _family(self.pid)) and _alive(self.pid):
            seen = [_memory(pid) for pid in family]
            peak = max(sum(now for now, _ in seen), *(highest for _, highest in seen))
            self.peak_bytes = max(self.peak_bytes or 0, peak)
            time.sleep(_SAMPLE_EVERY)


def _family(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += map(int, children.read_text().split())
            except OSError:
                continue
    return found


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def _memory(pid: int) -> tuple[int, int]:
    """Resident bytes of a process: now, and at most so far."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0, 0
    found = dict(line.split(":", 1) for line in lines if ":" in line)
    now, highest = (int(found.get(name, "0 kB").split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return now, highest
