"""The client that is measured when marts are built: `python -m tests.benchmarks.dbt_build DATABASE HOME`."""

import json
import os
import sys
import time
from dataclasses import replace

import psycopg

from dagster_project import environment
from dagster_project.dbt_process import manifest
from dagster_project.dbt_runner import invoke, problem
from dagster_project.standing_views import all_but, standing_views
from ingest.settings import Settings


def main(database: str, home: str) -> None:
    """Build every model; prints the seconds from the first word to dbt to its last, which parsing is part of."""
    settings = replace(Settings.from_environment({"TALLY_HOME": home}), database_url=database)
    os.environ |= environment.QUIET | environment.dbt_environment(settings)
    parsed = manifest(settings)  # a running warehouse has parsed its project
    began = time.perf_counter()
    with psycopg.connect(database) as connection:
        selection = all_but(parsed, standing_views(parsed, connection))
    result = invoke(["--no-write-json", "build", "--exclude-resource-types", "test", "unit_test", *selection])
    seconds = time.perf_counter() - began
    if not result.success:
        sys.exit(problem(result))
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
