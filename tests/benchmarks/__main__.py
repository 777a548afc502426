"""Run the benchmarks: `python -m tests.benchmarks`, or `make bench`, which also installs the peers."""

import argparse
import platform
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from fnmatch import fnmatch
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.benchmarks import report
from tests.benchmarks.building import Building
from tests.benchmarks.gates import Gates
from tests.benchmarks.loading import DISK_BYTES_PER_ROW, Loading
from tests.benchmarks.measure import ROOT, BenchmarkError, Book, Comparison, run_in_turns
from tests.benchmarks.peers import versions
from tests.benchmarks.warehouse import Warehouse, warehouse

PEERS = ROOT / ".venv-bench" / "bin" / "python"
RESULTS = ROOT / "build" / "benchmarks"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000, help="rows of a first load (default 5000000)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each measurement (default 3)")
    parser.add_argument(
        "--peer-rows", type=int, default=500_000, help="rows that slow peers load or judge (default 500000)"
    )
    parser.add_argument("--peers", type=Path, default=PEERS, help="Python of the peers (default that of .venv-bench)")
    parser.add_argument("--only", nargs="+", default=["*"], help="names to run, such as first/ndjson/tally or first/*")
    return parser.parse_args()


def _setting(arguments: argparse.Namespace, server: Warehouse, loading: Loading) -> dict[str, Any]:
    found = {"python": platform.python_version(), "postgres": server.version()}
    found |= {name: version(name) for name in ("polars", "psycopg")}
    notes = [
        "One noisy machine, shared with the server under test: figures of one run compare with each other only.",
        "Seconds are the client's own, from its first connection on. Memory is the client's with its children;"
        " processor time is theirs, start included, and the server's meanwhile.",
        *loading.notes(),
    ]
    return {
        "taken": {"at": datetime.now(UTC).isoformat(timespec="seconds"), "runs": arguments.runs},
        "machine": report.machine(),
        "versions": found | (versions(loading.peers) if loading.peers else {}),
        "notes": notes,
    }


def _measure(arguments: argparse.Namespace, server: Warehouse) -> tuple[Book, list[Comparison], dict[str, Any]]:
    peers = arguments.peers if arguments.peers.exists() else None
    if not peers:
        _tell(f"There is no {arguments.peers}, so no peer is measured; `make bench` installs them.")
    book = Book()
    loading = Loading(server, arguments.rows, arguments.runs, arguments.peer_rows, peers)
    setting = _setting(arguments, server, loading)
    building = Building(server, arguments.rows)
    gates = Gates(server, arguments.rows, arguments.peer_rows)
    for group in chain(loading.trials(), building.trials(), gates.trials()):
        chosen = [trial for trial in group if any(fnmatch(trial.name, pattern) for pattern in arguments.only)]
        run_in_turns(chosen, arguments.runs, book, _tell)
    if not book.series:
        raise BenchmarkError(f"No measurement is named {' or '.join(arguments.only)}.")
    return book, [*loading.comparisons(book), *building.comparisons(book), *gates.comparisons(book)], setting


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    arguments = _arguments()
    needed, free = arguments.rows * DISK_BYTES_PER_ROW, shutil.disk_usage(tempfile.gettempdir()).free
    if free < needed:
        raise BenchmarkError(
            f"{tempfile.gettempdir()} has {free / 1e9:.0f} GB free and {arguments.rows:,} rows take {needed / 1e9:.0f};"
            " set TMPDIR to another folder or ROWS to fewer."
        )
    with warehouse() as server:
        book, comparisons, setting = _measure(arguments, server)
    report.show(Console(width=None if sys.stdout.isatty() else 140), book, comparisons, setting)
    path = RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    report.write_json(path, book, comparisons, setting)
    print(f"Written to {path.relative_to(ROOT)}.")


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        sys.exit(str(error))
