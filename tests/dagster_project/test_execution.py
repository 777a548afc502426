"""One run in Dagster's books: what is recorded when something was refused, and who may interrupt it."""

import gzip
import os
import re
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from psycopg import OperationalError
from psycopg.errors import AdminShutdown

from dagster_project import execution
from dagster_project.dbt_runner import invoke
from dagster_project.definitions import RUN, build_definitions
from dagster_project.progress import Progress
from ingest.errors import ConfigurationError, ContractError, DatabaseUnreachableError
from ingest.landing import LandingFile
from ingest.settings import Settings
from tests.conftest import Warehouse


def test_a_refused_file_fails_the_run_after_gates_and_marts(warehouse: Warehouse, tmp_path: Path) -> None:
    folder = warehouse.landing / "storyforge" / "likes" / "date=2026-06-01"
    folder.mkdir(parents=True)
    (folder / "cut.ndjson.gz").write_bytes(gzip.compress(b"{}" * 100)[:-10])
    code, _, err = warehouse.tally("run")
    with dg.DagsterInstance.from_config(str(tmp_path / "home" / "dagster")) as instance:
        (record,) = instance.get_run_records()
        events = instance.all_logs(record.dagster_run.run_id)
    checks = [e.get_dagster_event().asset_check_evaluation_data for e in events if is_kind(e, "ASSET_CHECK_EVALUATION")]
    built = {e.get_dagster_event().asset_key for e in events if is_kind(e, "ASSET_MATERIALIZATION")}

    assert code == 1
    assert err.startswith("Refused: storyforge/likes/date=2026-06-01/cut.ndjson.gz (")
    assert record.dagster_run.status is dg.DagsterRunStatus.FAILURE
    assert [(c.asset_key.path, c.check_name) for c in checks if not c.passed] == [
        (["raw_storyforge", "likes"], "files_readable")
    ]
    assert dg.AssetKey(["marts", "fct_events"]) in built
    assert dg.AssetKey(["audit", "storyforge_verdict"]) in built
    # Without an origin the web UI would leave the run off its job's page.
    assert record.dagster_run.remote_job_origin is not None
    assert record.dagster_run.remote_job_origin.location_name == "tally"


def test_a_run_tells_of_every_model_also_of_views_that_stand_as_they_were_made(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    code, out, _ = warehouse.tally("run")
    assert code == 0
    assert re.search(r"^build models: \d+ models built, 1 seed built, \d+ tests hold \(", out, re.MULTILINE)
    assert warehouse.tally("run")[0] == 0
    with dg.DagsterInstance.from_config(str(tmp_path / "home" / "dagster")) as instance:
        runs = [instance.all_logs(record.dagster_run.run_id) for record in instance.get_run_records()]
    second, first = [[e.get_dagster_event() for e in events if is_kind(e, "ASSET_MATERIALIZATION")] for events in runs]
    standing = [e for e in second if "view" in e.materialization.metadata]

    assert {e.asset_key for e in second} == {e.asset_key for e in first}
    assert not any("view" in e.materialization.metadata for e in first)
    assert 140 < len(standing) < len(second)


def test_one_model_alone_can_be_made_as_from_the_web_ui(warehouse: Warehouse, settings: Settings) -> None:
    assert warehouse.tally("run")[0] == 0
    job = build_definitions(settings, Progress()).resolve_job_def(RUN)
    mart = dg.AssetKey(["marts", "fct_events"])

    with dg.DagsterInstance.get() as instance:
        result = job.execute_in_process(instance=instance, asset_selection=[mart])

    assert result.success
    assert [event.asset_key for event in result.get_asset_materialization_events()] == [mart]


def is_kind(entry: dg.EventLogEntry, kind: str) -> bool:
    return entry.dagster_event is not None and entry.dagster_event.event_type_value == kind


def test_an_interrupt_is_not_taken_for_a_failure(warehouse: Warehouse, settings: Settings) -> None:
    class Impatient(Progress):
        def loading(self, system: str, files: Sequence[LandingFile]) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        execution.run_job(settings, Impatient())


def test_an_interrupt_while_dbt_works_is_not_taken_for_an_error_of_dbt() -> None:
    def interrupt(event: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        invoke(["parse"], interrupt)


def problems_of(settings: Settings, error: Exception) -> list[str]:
    """What is told of a run whose only step ended in this error."""

    @dg.op
    def step() -> None:
        raise error

    @dg.job
    def job() -> None:
        step()

    events = job.execute_in_process(raise_on_error=False).all_node_events
    return execution._problems(settings, [event.step_failure_data for event in events if event.is_step_failure])


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (AdminShutdown("terminating connection\nby command"), "(terminating connection by command); run it again."),
        (OperationalError("the connection is lost"), "(the connection is lost); run it again."),
        (DatabaseUnreachableError("The database does not answer."), "(The database does not answer); run it again."),
    ],
)
def test_a_database_that_ends_during_a_run_is_not_taken_for_a_failure(
    settings: Settings, error: Exception, told: str
) -> None:
    with pytest.raises(DatabaseUnreachableError) as caught:
        problems_of(settings, error)
    assert str(caught.value) == f"The database stopped answering during the run {told}"


def test_a_database_that_is_gone_after_a_failure_is_told_whatever_the_step_said(settings: Settings) -> None:
    assert problems_of(settings, RuntimeError("no\nidea")) == [f"RuntimeError: no idea ({execution.TRACEBACK})"]
    gone = replace(settings, database_url="postgresql://tally@127.0.0.1:1/tally")
    with pytest.raises(DatabaseUnreachableError, match="stopped answering during the run; run it again"):
        problems_of(gone, RuntimeError("no idea"))


def test_a_setting_that_only_a_step_finds_wrong_is_told_as_elsewhere(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match=r"shop\.yaml, line 3: `name` must be: x") as caught:
        problems_of(settings, ContractError(Path("shop.yaml"), 3, "`name` must be: x"))
    assert caught.value.exit_code == 2
