"""The progress of a run for whoever watches: bars on a terminal, plain lines elsewhere.

Off a terminal each finished phase is one line, and so is every ten seconds of a table that takes long to load.
"""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from dagster_project.commands.pace import Pace, Paces
from dagster_project.commands.tables import plural
from dagster_project.progress import Progress
from expectations.results import RuleResult
from ingest.landing import LandingFile
from ingest.load import Load

SECONDS_BETWEEN = 10.0  # two plain lines about one table
LONG_BYTES = 16 << 20  # what is read within a second needs no bar of its own


class Watch(Progress):
    """Shows each phase as it goes, and keeps what was loaded, asked and built for the summary."""

    def __init__(self, console: Console) -> None:
        self.loads: list[Load] = []
        self.results: list[RuleResult] = []
        self.nodes: Counter[tuple[str, str]] = Counter()
        self._console = console
        self._start = self._phase = TaskID(0)
        self._first = 0
        self._rows_written = 0
        self._paces = Paces()
        self._table: tuple[TaskID, Pace] | None = None
        self._told = time.monotonic()
        self._bars = Bars(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[steps]}", justify="right"),
            TextColumn("{task.fields[detail]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._start = self._bars.add_task(f"{'start':18}", total=None, detail="", steps="")
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

    def writing(self, tables: int) -> None:
        """The writing of a sample begins."""
        self._begin("write sample", tables)

    def written(self, table: str, rows: int) -> None:
        """A table of the sample was written."""
        self._rows_written += rows
        self._advance(table, f"{plural(self._rows_written, 'row')} written")

    def loading(self, system: str, files: Sequence[LandingFile]) -> None:
        """Open a bar for the files of a system."""
        self._first = len(self.loads)
        self._paces.expect(files)
        self._begin(f"load {system}", len(files))

    def reading(self, file: LandingFile, rows: int, bytes_read: int) -> None:
        """Show how far the file's table is, on a bar of its own while it lasts."""
        pace = self._paces.read(file, rows, bytes_read)
        if pace.bytes_total < LONG_BYTES:
            return
        if self._console.is_terminal:
            self._show(pace)
        elif time.monotonic() - self._told >= SECONDS_BETWEEN:
            self._told = time.monotonic()
            self._console.print(f"load {pace.system}.{pace.table}: {of_pace(pace)}")

    def _show(self, pace: Pace) -> None:
        if self._table is None or self._table[1] is not pace:
            self._hide()
            bar = self._bars.add_task(f"  {pace.table:16}", total=1.0, detail="", steps="")
            self._table = (bar, pace)
        self._bars.update(self._table[0], completed=pace.share, detail=of_pace(pace))

    def _hide(self) -> None:
        if self._table is not None:
            self._bars.remove_task(self._table[0])
            self._table = None

    def loaded(self, load: Load) -> None:
        """Keep the load and count it on the bar."""
        self.loads.append(load)
        if self._paces.finish(load).share >= 1:
            self._hide()
        self._advance(load.table, of_loads(self.loads[self._first :]))

    def checking(self, system: str, rules: int) -> None:
        """Open a bar for the rules of a system."""
        self._first = len(self.results)
        self._begin(f"gate {system}", rules)

    def checked(self, result: RuleResult) -> None:
        """Keep the verdict and count it on the bar."""
        self.results.append(result)
        self._advance(result.rule.id, of_results(self.results[self._first :]))

    def building(self, nodes: int) -> None:
        """Open a bar for the models and tests."""
        self._begin("build models", nodes)

    def built(self, node: str, kind: str, status: str) -> None:
        """Count a model or test on the bar."""
        self.nodes[kind, status] += 1
        self._advance(node, of_nodes(self.nodes))

    def _begin(self, phase: str, steps: int) -> None:
        self._bars.update(self._start, visible=False)
        self._phase = self._bars.add_task(f"{phase:18}", total=steps, detail="", steps=f"0/{steps}")
        if not steps:
            self._finish("nothing to do")

    def _advance(self, step: str, so_far: str = "") -> None:
        task = self._bars.tasks[self._bars.task_ids.index(self._phase)]
        self._bars.update(self._phase, advance=1, detail=step, steps=f"{task.completed + 1:.0f}/{task.total:.0f}")
        if task.finished:
            self._finish(so_far)

    def _finish(self, outcome: str) -> None:
        self._bars.update(self._phase, detail=outcome)
        if not self._console.is_terminal:
            task = self._bars.tasks[self._bars.task_ids.index(self._phase)]
            self._console.print(f"{task.description.strip()}: {outcome} ({task.elapsed or 0:.1f} s)")


def of_pace(pace: Pace) -> str:
    """How far the loading of a table is, how fast, and how long yet, in one line."""
    parts = [plural(pace.rows, "row"), f"{pace.share:.0%}", f"{pace.rows_per_second:,} rows/s"]
    if pace.share == 1:
        parts.append("being stored")
    elif pace.seconds_left is not None:
        parts.append(f"{timedelta(seconds=pace.seconds_left)} left")
    return ", ".join(parts)


def of_loads(loads: list[Load]) -> str:
    """What became of the files and their rows, in one line."""
    count = Counter(load.status for load in loads)
    if count["skipped"] == len(loads):
        return "nothing new"
    parts = [f"{plural(count['loaded'], 'file')}, {plural(sum(load.rows_accepted for load in loads), 'row')} accepted"]
    for outcome in ("duplicate", "conflict", "rejected"):
        rows = sum(getattr(load, f"rows_{outcome}") for load in loads)
        parts += [f"{rows:,} {outcome}"] if rows else []
    parts += [f"{plural(count['skipped'], 'file')} known already"] if count["skipped"] else []
    parts += [f"[bold red]{plural(count['failed'], 'file')} refused[/]"] if count["failed"] else []
    return ", ".join(parts)


def of_results(results: list[RuleResult]) -> str:
    """How many rules hold, in one line."""
    count = Counter(result.status for result in results)
    parts = [f"{count['passed']} hold"]
    parts += [f"[bold red]{count['failed']} failed[/]"] if count["failed"] else []
    parts += [f"[bold red]{count['error']} could not be asked[/]"] if count["error"] else []
    parts += [f"{count['not_applicable']} not applicable"] if count["not_applicable"] else []
    return ", ".join(parts)


def of_nodes(nodes: Counter[tuple[str, str]]) -> str:
    """How many models and tests came out how, in one line."""
    words = {"success": "built", "pass": "hold", "error": "failed", "fail": "failed"}
    return ", ".join(
        f"{plural(count, kind)} {words.get(status, status)}" for (kind, status), count in sorted(nodes.items())
    )
