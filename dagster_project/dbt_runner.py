"""dbt inside this process: one invocation, and what went wrong in it in a sentence; knows nothing of Dagster."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dagster_project.environment import DBT_PROJECT, QUIET
from ingest.errors import TallyError

BASE_ARGUMENTS = ("--log-level", "none", "--log-level-file", "info", "--no-use-colors")
PROJECT_ARGUMENTS = ("--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT))
UNSUCCESSFUL = {"error", "fail", "runtime error"}


def invoke(arguments: Sequence[str], on_event: Callable[[Any], object] | None = None) -> Any:
    """Run dbt with these words and return its result; `on_event` hears each of its events."""
    from dbt.cli.main import dbtRunner

    from dagster_project.dbt_connections import keep_connections

    keep_connections()
    runner = dbtRunner(callbacks=[on_event] if on_event else [])
    result = runner.invoke([*BASE_ARGUMENTS, *arguments, *PROJECT_ARGUMENTS])
    if isinstance(result.exception, KeyboardInterrupt):
        raise result.exception  # dbt takes it for one of its errors, and one without a word
    return result


def run_on_duckdb(database: Path, target_path: Path) -> None:
    """Build every model and seed in a DuckDB file that has the sources; TallyError names those that could not be."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    os.environ |= {**QUIET, "TALLY_DUCKDB": str(database)}
    words = ("--target", "duckdb", "--target-path", str(target_path), "--log-path", str(target_path / "logs"))
    try:
        result = invoke(["--no-write-json", "build", "--exclude-resource-types", "test", "unit_test", *words])
    finally:
        # dbt-duckdb keeps its file open until the process ends, with the last of it in the write-ahead log.
        DuckDBConnectionManager.close_all_connections()
    if not result.success:
        raise TallyError(f"The marts could not be built in DuckDB: {problem(result)}.")


def problem(result: Any) -> str:
    """What went wrong in an invocation without success."""
    if result.result is None:
        return sentence(result.exception)
    failed = [run for run in result.result.results if run.status in UNSUCCESSFUL]
    return "; ".join(f"dbt {run.node.resource_type} {run.node.name}: {sentence(run.message)}" for run in failed)


def sentence(found: object) -> str:
    """Where dbt met the problem and what it was; the lines after these two quote code."""
    lines = [line.strip() for line in str(found).splitlines() if line.strip()]
    return ": ".join(lines[:2])
