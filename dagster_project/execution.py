"""One Dagster run in this process: loads, gates and models, recorded as if the web UI had launched it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg

from dagster_project import environment
from dagster_project.progress import Progress
from ingest import server
from ingest.errors import ConfigurationError, DatabaseUnreachableError, LandingUnreachableError
from ingest.landing import zone_of
from ingest.schema import ensure_schemas
from ingest.settings import Settings

if TYPE_CHECKING:
    from dagster._core.execution.plan.objects import StepFailureData
    from dagster._core.remote_origin import RemoteJobOrigin
    from dagster_shared.error import SerializableErrorInfo

LOCATION = "tally"  # as workspace.yaml names it
INTERRUPTED = "DagsterExecutionInterruptedError"
TRACEBACK = "its traceback is in logs/dagster.log of TALLY_HOME"
# Of an error in a step there is only the name of its class. SQLSTATEs tell which classes mean a connection that ended:
# lost, shut down, or idle or at work for too long.
LOST = {"OperationalError", "DatabaseUnreachableError"} | {
    name
    for name, kind in vars(psycopg.errors).items()
    if str(getattr(kind, "sqlstate", None)).startswith(("08", "57P", "25P03", "25P04"))
}
ENDING = {
    "LandingUnreachableError": LandingUnreachableError,
    "ConfigurationError": ConfigurationError,
    "ContractError": ConfigurationError,
}


def run_job(settings: Settings, progress: Progress) -> list[str]:
    """Run the whole job; returns what went wrong, one sentence each, and nothing when all is well."""
    # What cannot be reached, or not be written, is an error here, not a run that failed.
    with server.connect(settings) as connection:
        ensure_schemas(connection, [])
    settings.refuse_missing_landing()
    zone_of(settings.landing).children("")
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
    return _problems(settings, [event.step_failure_data for event in result.all_events if event.is_step_failure])


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


def _problems(settings: Settings, failures: list[StepFailureData]) -> list[str]:
    """What the steps that failed have to say; an interrupt and what ends any command are raised, as anywhere else."""
    errors = [failure.error for failure in failures if failure.error]
    if any(error.cls_name == INTERRUPTED for error in errors):
        raise KeyboardInterrupt  # Dagster caught it to record that the run was interrupted
    causes = [cause for error in errors for cause in _causes(error)]
    lost = next((cause for cause in causes if cause.cls_name in LOST), None)
    if lost or (failures and not server.answers(settings)):
        reason = f" ({_words(lost).rstrip('.')})" if lost else ""
        raise DatabaseUnreachableError(f"The database stopped answering during the run{reason}; run it again.")
    for cause in causes:
        if cause.cls_name in ENDING:
            raise ENDING[cause.cls_name](_words(cause))
    return [line for failure in failures for line in _problem(failure).splitlines()]


def _causes(error: SerializableErrorInfo) -> Iterator[SerializableErrorInfo]:
    cause = error.cause
    while cause:
        yield cause
        cause = cause.cause


def _words(error: SerializableErrorInfo) -> str:
    """The message without the name of its class."""
    return " ".join(error.message.partition(": ")[2].split())


def _problem(failure: StepFailureData) -> str:
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error.cause or failure.error if failure.error else None
    return f"{' '.join(error.message.split())} ({TRACEBACK})" if error else f"A step failed ({TRACEBACK})."
