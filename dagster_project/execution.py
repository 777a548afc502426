"""One Dagster run in this process: loads, gates and models, recorded as if the web UI had launched it."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING

from dagster_project import environment
from dagster_project.progress import Progress
from ingest.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterEvent
    from dagster._core.remote_origin import RemoteJobOrigin

LOCATION = "tally"  # as workspace.yaml names it


def run_job(settings: Settings, progress: Progress) -> list[str]:
    """Run the whole job; returns what went wrong, one sentence each, and nothing when all is well."""
    environment.prepare(settings)
    import dagster as dg
    from dagster._core.definitions.job_base import InMemoryJob
    from dagster._core.execution.api import execute_run

    from dagster_project.definitions import RUN, build_definitions

    with warnings.catch_warnings(), dg.DagsterInstance.get() as instance:
        warnings.simplefilter("ignore")  # Dagster announces what its next version will deprecate
        job = build_definitions(settings, progress).resolve_job_def(RUN)
        # `execute_in_process` would leave the origin out, and the web UI its run off the job's page and the timeline.
        run = instance.create_run_for_job(
            job, run_config=job.run_config, tags={"tally/launched_by": "command line"}, remote_job_origin=_origin(RUN)
        )
        result = execute_run(InMemoryJob(job), run, instance)
    return [line for event in result.all_events if event.is_step_failure for line in _problem(event).splitlines()]


def _origin(job: str) -> RemoteJobOrigin:
    from dagster._core.definitions.repository_definition.valid_definitions import SINGLETON_REPOSITORY_NAME
    from dagster._core.remote_origin import (
        ManagedGrpcPythonEnvCodeLocationOrigin,
        RemoteJobOrigin,
        RemoteRepositoryOrigin,
    )
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    module = LoadableTargetOrigin(executable_path=sys.executable, module_name="dagster_project.definitions")
    location = ManagedGrpcPythonEnvCodeLocationOrigin(module, LOCATION)
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME), job)


def _problem(event: DagsterEvent) -> str:
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    return f"{event.step_key}: {failure.error_display_string.strip().splitlines()[0]}"
