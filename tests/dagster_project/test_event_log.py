"""The event log: what the faster storage writes, Dagster's own reads back."""

from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from dagster_project.environment import dagster_home
from dagster_project.event_log import MOST_OPEN
from ingest.settings import Settings


@dg.asset
def answer() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"value": 42})


def materialise(instance: dg.DagsterInstance) -> str:
    return dg.materialize([answer], instance=instance).run_id


def test_events_are_where_dagster_itself_looks_for_them(settings: Settings) -> None:
    home = dagster_home(settings)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        run_id = materialise(instance)
        seen = instance.get_latest_materialization_event(dg.AssetKey("answer"))
    stock = SqliteEventLogStorage(str(home / "history" / "runs"))
    kinds = [event.dagster_event_type for event in stock.get_logs_for_run(run_id)]

    assert seen is not None
    assert seen.run_id == run_id
    assert dg.DagsterEventType.ASSET_MATERIALIZATION in kinds
    assert kinds[-1] is dg.DagsterEventType.RUN_SUCCESS


def test_many_runs_do_not_leave_many_files_open(settings: Settings) -> None:
    home = dagster_home(settings)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        runs = [materialise(instance) for _ in range(MOST_OPEN + 2)]
        opened = [path.resolve() for path in Path("/proc/self/fd").iterdir() if path.exists()]

        assert len({path for path in opened if path.suffix == ".db" and path.stem in runs}) <= MOST_OPEN
        assert all(len(instance.all_logs(run_id)) > 5 for run_id in runs)
