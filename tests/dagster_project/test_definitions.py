"""The graph: what is an asset, what is a check, and what waits for what."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from dagster_project.definitions import RUN, build_definitions
from dagster_project.gates import verdict_key
from dagster_project.progress import Progress
from dagster_project.raw import ALL_DATES_TAG, FILES_READABLE, LOADS
from expectations.catalogue import rules_for
from ingest.contract import System
from ingest.settings import Settings

MARTS = {path.stem for path in (Path(__file__).parents[2] / "dbt" / "models" / "marts").glob("*.sql")}


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.Definitions]:
    # Nothing connects before a run, so the database need not be there.
    home = tmp_path_factory.mktemp("home")
    environment = {"TALLY_HOME": str(home), "TALLY_DATABASE_URL": "postgresql://nobody@localhost:1/nothing"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield build_definitions(Settings.from_environment(), Progress())


@pytest.fixture(scope="module")
def graph(definitions: dg.Definitions) -> AssetGraph:
    return definitions.resolve_asset_graph()


def test_every_table_of_the_contracts_is_an_asset(graph: AssetGraph, systems: tuple[System, ...]) -> None:
    tables = {(table.schema, table.name) for system in systems for table in system.tables}
    raw = {tuple(key.path) for key in graph.materializable_asset_keys if key.path[0].startswith("raw_")}

    assert raw == tables


def test_private_tables_are_no_assets(graph: AssetGraph) -> None:
    assert dg.AssetKey(["raw_advert_market", "pii_store"]) not in graph.get_all_asset_keys()


def test_every_mart_is_an_asset(graph: AssetGraph) -> None:
    assert {key.path[1] for key in graph.materializable_asset_keys if key.path[0] == "marts"} == MARTS


def test_nothing_is_read_that_nobody_makes(graph: AssetGraph) -> None:
    assert graph.get_all_asset_keys() - graph.materializable_asset_keys == {LOADS.key}


def test_every_rule_is_a_check_of_the_table_it_speaks_about_first(
    graph: AssetGraph, systems: tuple[System, ...]
) -> None:
    rules = {
        dg.AssetCheckKey(dg.AssetKey([f"raw_{system.name}", rule.tables[0]]), rule.name)
        for system in systems
        for rule in rules_for(system)
    }

    assert len(rules) > 30
    assert rules <= graph.asset_check_keys


def test_every_check_says_what_it_asks_and_every_rule_what_comes_of_a_break(
    definitions: dg.Definitions, systems: tuple[System, ...]
) -> None:
    assets = [each for each in definitions.assets or () if isinstance(each, dg.AssetsDefinition)]
    told = {spec.name: spec.description or "" for each in assets for spec in each.check_specs}

    assert "" not in told.values()
    assert told["reconciliation_status_is_known"] == "Reconciliation status is known: status is one of agrees, differs."
    assert told["opening_and_movement_make_closing"].endswith(": no row has opening + credits - debits <> closing.")
    critical = {rule.name for system in systems for rule in rules_for(system) if rule.severity == "critical"}
    assert critical == {name for name, text in told.items() if "Critical: " in text}


def test_every_table_is_checked_for_files_that_cannot_be_read(graph: AssetGraph, systems: tuple[System, ...]) -> None:
    checked = {key.asset_key for key in graph.asset_check_keys if key.name == FILES_READABLE}

    assert checked == {dg.AssetKey([table.schema, table.name]) for system in systems for table in system.tables}


def test_no_check_of_raw_data_blocks_because_one_step_builds_the_marts_of_all_systems(graph: AssetGraph) -> None:
    checks = [key for key in graph.asset_check_keys if key.asset_key.path[0].startswith("raw_")]

    assert checks
    assert not [key for key in checks if graph.get(key).blocking]


def test_every_mart_waits_for_the_verdicts_on_its_systems(graph: AssetGraph, systems: tuple[System, ...]) -> None:
    verdicts = {verdict_key(system.name) for system in systems}
    upstream = dg.AssetSelection.assets(dg.AssetKey(["marts", "fct_events"])).upstream().resolve(graph)

    assert verdicts <= upstream


def test_raw_tables_and_models_are_grouped_by_system_and_marts_together(
    graph: AssetGraph, systems: tuple[System, ...]
) -> None:
    groups = {node.group_name for node in graph.asset_nodes}

    shared = {"ingest", "seeds", "building", "events", "boards", "balances", "marts"}
    names = {system.name for system in systems}
    assert groups == {*shared, *names, *(f"raw_{name}" for name in names)}
    assert {graph.get(key).group_name for key in map(verdict_key, names)} == {f"raw_{name}" for name in names}
    assert graph.get(dg.AssetKey(["staging", "stg_funpot__votes"])).group_name == "funpot"


def test_steps_run_loads_first_and_models_last(definitions: dg.Definitions, systems: tuple[System, ...]) -> None:
    steps = [node.name for node in definitions.resolve_job_def(RUN).nodes_in_topological_order]
    judged = [system.name for system in systems if rules_for(system)]

    assert {*steps} == {"build_models", *(f"load_{s.name}" for s in systems), *(f"gate_{name}" for name in judged)}
    assert steps[-1] == "build_models"
    assert all(steps.index(f"load_{name}") < steps.index(f"gate_{name}") for name in judged)


def test_a_run_is_due_every_night_and_a_seal_and_a_proof_after_it(definitions: dg.Definitions) -> None:
    schedules = definitions.schedules or ()
    daily, *_ = schedules

    assert isinstance(daily, dg.ScheduleDefinition)
    for schedule, due in zip(schedules, ("30 2 * * *", "30 3 * * *", "30 4 * * *"), strict=True):
        assert isinstance(schedule, dg.ScheduleDefinition)
        assert schedule.cron_schedule == due
        assert schedule.execution_timezone == "UTC"
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert ALL_DATES_TAG in daily.tags
