"""dbt inside this process: parsing the project, and building it as a stream of Dagster events.

The stock `DbtCliResource` starts two dbt processes for a build, eight seconds before the first model; here it is one
second. The conversion of dbt's events is dagster-dbt's own and not published, which is why its pin is exact.
"""

import fcntl
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import orjson
from dagster_dbt import DagsterDbtTranslator
from dagster_dbt.asset_utils import get_updated_cli_invocation_params_for_context
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from dagster_project.environment import DBT_PROJECT, dbt_target
from dagster_project.progress import Progress
from ingest.errors import TallyError
from ingest.settings import Settings

BASE_ARGUMENTS = ("--log-level", "none", "--log-level-file", "info", "--no-use-colors")
PROJECT_ARGUMENTS = ("--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT))
RESULT_EVENTS = {"LogModelResult", "LogTestResult", "LogSeedResult", "LogSnapshotResult"}
UNSUCCESSFUL = {"error", "fail", "runtime error"}

Manifest = Mapping[str, Any]


def manifest(settings: Settings) -> Manifest:
    """The parsed project, from `TALLY_HOME/dbt/target`; parsed again when a file of the project is newer."""
    target = dbt_target(settings)
    target.mkdir(parents=True, exist_ok=True)
    with (target / "parse.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the web server and the daemon both want it when they start
        if not _is_fresh(target / "manifest.json"):
            result = _invoke(["parse"])
            if not result.success:
                raise TallyError(f"The dbt project cannot be parsed: {_sentence(result.exception)}")
        parsed: dict[str, Any] = orjson.loads((target / "manifest.json").read_bytes())
    _attach_singular_tests(parsed)
    return parsed


def build(context: dg.AssetExecutionContext, translator: DagsterDbtTranslator, progress: Progress) -> Iterator[Any]:
    """Build what the run selected and yield each model and test as it ends; dg.Failure names what did not succeed.

    Unit tests are left out: they test the code of models on rows of their own, and no data can change their outcome.
    """
    selection = get_updated_cli_invocation_params_for_context(context, {}, translator)
    arguments = ["--no-write-json", "build", "--exclude-resource-type", "unit_test", *selection.selection_args]
    if selection.indirect_selection:
        arguments += ["--indirect-selection", selection.indirect_selection]
    events: queue.Queue[Any] = queue.Queue()
    # Daemon, so that an interrupted command ends at once; Postgres rolls back the model that was being built.
    thread = threading.Thread(target=lambda: events.put(_invoke(arguments, events.put)), daemon=True)
    thread.start()
    while (event := events.get()).__class__.__name__ != "dbtRunnerResult":
        if event.info.name == "ConcurrencyLine":
            progress.building(event.data.node_count)
        elif event.info.name in RESULT_EVENTS:
            yield from _asset_events(event, context, selection.manifest, translator)
            node = event.data.node_info
            progress.built(node.node_name, node.resource_type, node.node_status)
    _raise_for_failures(event)


def _invoke(arguments: Sequence[str], on_event: Any = None) -> Any:
    from dbt.cli.main import dbtRunner

    runner = dbtRunner(callbacks=[on_event] if on_event else [])
    return runner.invoke([*BASE_ARGUMENTS, *arguments, *PROJECT_ARGUMENTS])


def _asset_events(
    event: Any, context: dg.AssetExecutionContext, parsed: Manifest, translator: DagsterDbtTranslator
) -> Iterator[Any]:
    from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]

    raw_event = MessageToDict(event, preserving_proto_field_name=True)
    message = DbtCoreCliEventMessage(raw_event=raw_event, event_history_metadata={})
    yield from message.to_default_asset_events(parsed, translator, context)


def _raise_for_failures(result: Any) -> None:
    if result.success:
        return
    if result.result is None:
        raise dg.Failure(f"dbt could not build: {_sentence(result.exception)}")
    failed = [run for run in result.result.results if run.status in UNSUCCESSFUL]
    raise dg.Failure(
        "; ".join(f"dbt {run.node.resource_type} {run.node.name}: {_sentence(run.message)}" for run in failed)
    )


def _sentence(problem: object) -> str:
    """Where dbt met the problem and what it was; the lines after these two quote code."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return ": ".join(lines[:2])


def _is_fresh(path: Path) -> bool:
    if not path.exists():
        return False
    newest = max(file.stat().st_mtime for file in DBT_PROJECT.rglob("*") if file.is_file())
    return path.stat().st_mtime >= newest


def _attach_singular_tests(parsed: dict[str, Any]) -> None:
    """Let every test that reads several models be the check of one: Dagster shows no other tests as checks."""
    for node in parsed["nodes"].values():
        if node["resource_type"] == "test" and not node.get("attached_node"):
            models = [parent for parent in node["depends_on"]["nodes"] if parent.startswith("model.")]
            if models:
                node["attached_node"] = models[-1]
