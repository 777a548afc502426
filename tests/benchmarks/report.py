"""What a run found, as tables and as JSON: medians, what they are compared with, and the machine they come from."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.measure import Book, Comparison, Series


def machine() -> dict[str, Any]:
    """The machine: model of its processor, cores, memory in GB, and how busy it was."""
    load = os.getloadavg()[0]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {"cpu": _cpu(), "cores": os.cpu_count(), "memory_gb": round(memory, 1), "load_before": round(load, 2)}


def _cpu() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def show(console: Console, book: Book, comparisons: Sequence[Comparison], setting: Mapping[str, Any]) -> None:
    """Print the figures case by case, the comparisons, and under what conditions they were taken."""
    figures = Table("case", "contender", "rows", "seconds", "spread", "rows/s", "cpu s", "peak MB")
    figures.title = "Figures: medians, and the highest memory"
    for column in figures.columns[2:]:
        column.justify = "right"
    cases: dict[str, list[Series]] = {}
    for series in book.series.values():
        cases.setdefault(series.case, []).append(series)
    for case, contenders in cases.items():
        for number, series in enumerate(contenders):
            figures.add_row("" if number else case, *_row(series))
        figures.add_section()
    console.print(figures)
    if comparisons:
        goals = Table("claim", "found", "goal", "met", title="Comparisons")
        for comparison in comparisons:
            goals.add_row(*_judged(comparison))
        console.print(goals)
    for name, told in setting.items():
        lines = [f"{name}: {', '.join(f'{k} {v}' for k, v in told.items())}"] if isinstance(told, Mapping) else told
        for line in lines:
            console.print(line, highlight=False, soft_wrap=True)


def _row(series: Series) -> tuple[str, ...]:
    seconds = sorted(run.seconds for run in series.runs)
    spread = f"{seconds[0]:.2f} to {seconds[-1]:.2f}" if len(seconds) > 1 else "one run"
    peak = f"{series.peak_bytes / 1e6:.0f}" if series.peak_bytes else "unknown"
    cpu = f"{series.cpu_seconds:.1f}" if series.cpu_seconds is not None else "unknown"
    return series.contender, f"{series.rows:,}", f"{series.seconds:.2f}", spread, f"{series.rate:,.0f}", cpu, peak


def _judged(comparison: Comparison) -> tuple[str, str, str, str]:
    bound = "at most" if comparison.at_most else "at least"
    goal = "" if comparison.goal is None else f"{bound} {comparison.goal:g} {comparison.unit}"
    met = {None: "", True: "yes", False: "NO"}[comparison.is_met]
    return comparison.claim, f"{comparison.value:.2f} {comparison.unit}", goal, met


def write_json(path: Path, book: Book, comparisons: Sequence[Comparison], setting: Mapping[str, Any]) -> None:
    """Write everything that `show` prints, and every single run."""
    series = [
        asdict(one) | {"seconds": one.seconds, "rate": one.rate, "cpu_seconds": one.cpu_seconds}
        for one in book.series.values()
    ]
    judged = [asdict(one) | {"is_met": one.is_met} for one in comparisons]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**setting, "series": series, "comparisons": judged}, indent=2) + "\n")
