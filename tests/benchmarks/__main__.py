"""Run the benchmarks: `python -m tests.benchmarks`, or `make bench`, which also installs the peers."""

import argparse
import platform
import sys
from datetime import UTC, datetime
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.benchmarks import report
from tests.benchmarks.loading import Loading
from tests.benchmarks.measure import ROOT, BenchmarkError, Book, run_in_turns
from tests.benchmarks.warehouse import Warehouse, warehouse

RESULTS = ROOT / "build" / "benchmarks"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000, help="rows of a first load (default 5000000)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each measurement (default 3)")
    parser.add_argument("--only", nargs="+", default=["*"], help="names to run, such as first/ndjson/tally or first/*")
    return parser.parse_args()


def _setting(arguments: argparse.Namespace, server: Warehouse) -> dict[str, Any]:
    versions = {"python": platform.python_version(), "postgres": server.version()}
    versions |= {name: version(name) for name in ("polars", "psycopg")}
    return {
        "taken": {"at": datetime.now(UTC).isoformat(timespec="seconds"), "runs": arguments.runs},
        "machine": report.machine(),
        "versions": versions,
        "note": "One machine, shared with its own server and whatever else runs: figures of one run compare with each"
        " other, not with those of another day.",
    }


def main() -> int:
    arguments = _arguments()
    book, console = Book(), Console(width=None if sys.stdout.isatty() else 140)
    with warehouse() as server:
        setting = _setting(arguments, server)
        loading = Loading(server, arguments.rows, arguments.runs)
        for group in loading.trials():
            chosen = [trial for trial in group if any(fnmatch(trial.name, pattern) for pattern in arguments.only)]
            run_in_turns(chosen, arguments.runs, book, lambda line: print(line, file=sys.stderr, flush=True))
        comparisons = list(loading.comparisons(book))
    if not book.series:
        raise BenchmarkError(f"No measurement is named {' or '.join(arguments.only)}.")
    report.show(console, book, comparisons, setting)
    path: Path = RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    report.write_json(path, book, comparisons, setting)
    console.print(f"Written to {path.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchmarkError as error:
        sys.exit(str(error))
