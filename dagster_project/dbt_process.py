"""dbt as Dagster sees it: the parsed project, and a build as a stream of Dagster events.

The stock `DbtCliResource` starts two dbt processes for a build, eight seconds before the first model; here it is one
second. The conversion of dbt's events is dagster-dbt's own and not published, which is why its pin is exact.
"""

import fcntl
import queue
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import orjson
from dagster_dbt import DagsterDbtTranslator
from dagster_dbt.asset_utils import get_updated_cli_invocation_params_for_context
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
from psycopg import Connection

from dagster_project.dbt_runner import invoke, problem
from dagster_project.environment import DBT_PROJECT, dbt_target
from dagster_project.progress import Progress
from dagster_project.standing_views import Manifest, Turns, all_but, standing_views
from ingest.errors import TallyError
from ingest.settings import Settings

RESULT_EVENTS = {"LogModelResult", "LogTestResult", "LogSeedResult", "LogSnapshotResult"}


def manifest(settings: Settings) -> Manifest:
    """The parsed project, from `TALLY_HOME/dbt/target`; parsed again when a file of the project is newer."""
    target = dbt_target(settings)
    target.mkdir(parents=True, exist_ok=True)
    with (target / "parse.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the web server and the daemon both want it when they start
        if not _is_fresh(target / "manifest.json"):
            result = invoke(["parse"])
            if not result.success:
                raise TallyError(f"The dbt project cannot be parsed: {problem(result)}")
        parsed: dict[str, Any] = orjson.loads((target / "manifest.json").read_bytes())
    _attach_singular_tests(parsed)
    return parsed


def build(
    context: dg.AssetExecutionContext, translator: DagsterDbtTranslator, connection: Connection, progress: Progress
) -> Iterator[Any]:
    """Build what the run selected and yield each model and test as it ends; dg.Failure names what did not succeed.

    Unit tests are left out: they test the code of models on rows of their own, and no data can change their outcome. So
    are exposures: nothing is made of them, and dbt would count them among what it builds.
    """
    selection = get_updated_cli_invocation_params_for_context(context, {}, translator)
    arguments = ["--no-write-json", "build", "--exclude-resource-types", "unit_test", "exposure"]
    standing = [] if context.is_subset else standing_views(selection.manifest, connection)
    arguments += all_but(selection.manifest, standing) or selection.selection_args
    if selection.indirect_selection:
        arguments += ["--indirect-selection", selection.indirect_selection]
    turns = Turns(selection.manifest, standing)
    events: queue.Queue[Any] = queue.Queue()
    # Daemon, so that an interrupted command ends at once; Postgres rolls back the model that was being built.
    thread = threading.Thread(target=lambda: events.put(invoke(arguments, events.put)), daemon=True)
    thread.start()
    yield from _stand(turns.after(), selection.manifest, translator)
    while (event := events.get()).__class__.__name__ != "dbtRunnerResult":
        if event.info.name == "ConcurrencyLine":
            progress.building(event.data.node_count)
        elif event.info.name in RESULT_EVENTS:
            yield from _asset_events(event, context, selection.manifest, translator)
            node = event.data.node_info
            progress.built(node.node_name, node.resource_type, node.node_status)
            if node.node_status == "success":
                yield from _stand(turns.after(node.unique_id), selection.manifest, translator)
    if not event.success:
        raise dg.Failure(problem(event) if event.result else f"dbt could not build: {problem(event)}")


def _stand(views: Iterable[str], parsed: Manifest, translator: DagsterDbtTranslator) -> Iterator[dg.MaterializeResult]:
    """A view shows what its parents hold, so it is as new as they are; said later, it would seem out of date."""
    for view in views:
        key = translator.get_asset_spec(parsed, view, None).key
        yield dg.MaterializeResult(asset_key=key, metadata={"view": "stands as it was made"})


def _asset_events(
    event: Any, context: dg.AssetExecutionContext, parsed: Manifest, translator: DagsterDbtTranslator
) -> Iterator[Any]:
    from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]

    raw_event = MessageToDict(event, preserving_proto_field_name=True)
    message = DbtCoreCliEventMessage(raw_event=raw_event, event_history_metadata={})
    yield from message.to_default_asset_events(parsed, translator, context)


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
