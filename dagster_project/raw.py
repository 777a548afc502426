"""Raw tables as assets: one for each table of the contracts, loaded by one step for each system."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import dagster as dg

from dagster_project.progress import Progress
from dagster_project.resources import Warehouse
from ingest.arrivals import find_arrivals
from ingest.contract import System, Table
from ingest.landing import LandingFile
from ingest.load import Load, load_files
from ingest.schema import ensure_schemas

FILES_READABLE = "files_readable"
REFUSED_TAG = "tally/refused_files_of_"
ALL_DATES_TAG = "tally/all_dates"  # on a run that looks into old date folders too
LOADS = dg.AssetSpec(
    ["ingest", "loads"],
    description="One row per landing file, written by every loading step: what became of each of its rows.",
    group_name="ingest",
    kinds={"postgres"},
)


def asset_key(system: str, table: str) -> dg.AssetKey:
    """The key of a raw table: the name of the relation."""
    return dg.AssetKey([f"raw_{system}", table])


def group(system: str) -> str:
    """The group of a system's raw tables and verdict, which come before all models."""
    return f"raw_{system}"


def raw_assets(system: System) -> dg.AssetsDefinition:
    """The tables of one system; parents are loaded before children, files in the order of their delivery."""

    @dg.multi_asset(
        name=f"load_{system.name}",
        specs=[_spec(table) for table in system.tables],
        check_specs=[
            dg.AssetCheckSpec(
                FILES_READABLE,
                asset=asset_key(system.name, table.name),
                description="Every delivered file could be read to its end.",
            )
            for table in system.tables
        ],
        can_subset=True,
        # All systems load before the first gate is asked, so that a terminal shows one phase after the other.
        op_tags={"dagster/priority": "1"},
    )
    def load(
        context: dg.AssetExecutionContext, warehouse: Warehouse, progress: dg.ResourceParam[Progress]
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        refused: list[Load] = []
        with warehouse.connect() as connection:
            for sentence in ensure_schemas(connection, [system]):
                context.log.info(sentence)
            settings = warehouse.settings
            settings.refuse_missing_landing()
            files: dict[str, list[LandingFile]] = defaultdict(list)
            for file in find_arrivals(
                connection, settings.landing, [system], all_dates=ALL_DATES_TAG in context.run.tags
            ):
                files[file.table].append(file)
            progress.loading(system.name, [file for of_table in files.values() for file in of_table])
            for table in (*system.tables, *system.private_tables):
                key = asset_key(system.name, table.name)
                if not table.private and key not in context.selected_asset_keys:
                    continue
                loads = load_files(connection, [system], files[table.name], progress.loaded, progress.reading)
                refused += [file for file in loads if file.status == "failed"]
                if not table.private:
                    yield dg.MaterializeResult(asset_key=key, metadata=_metadata(loads))
                    if key in {check.asset_key for check in context.selected_asset_check_keys}:
                        yield _files_readable(key, loads)
        _report(context, system, refused)

    return load


def _spec(table: Table) -> dg.AssetSpec:
    columns = [
        dg.TableColumn(
            column.name,
            column.type,
            description=column.description or None,
            constraints=dg.TableColumnConstraints(nullable=not column.required),
        )
        for column in table.columns
    ]
    return dg.AssetSpec(
        asset_key(table.system, table.name),
        description=table.description,
        group_name=group(table.system),
        kinds={"postgres"},
        metadata={"dagster/column_schema": dg.TableSchema(columns), "load_mode": table.load_mode},
    )


def _metadata(loads: Sequence[Load]) -> dict[str, int | float]:
    return {
        "files_loaded": sum(load.status == "loaded" for load in loads),
        "files_known_already": sum(load.status == "skipped" for load in loads),
        "files_refused": sum(load.status == "failed" for load in loads),
        "rows_accepted": sum(load.rows_accepted for load in loads),
        "rows_duplicate": sum(load.rows_duplicate for load in loads),
        "rows_conflict": sum(load.rows_conflict for load in loads),
        "rows_rejected": sum(load.rows_rejected for load in loads),
        "seconds": round(sum(load.seconds for load in loads), 3),
    }


def _files_readable(key: dg.AssetKey, loads: Sequence[Load]) -> dg.AssetCheckResult:
    refused = [load for load in loads if load.status == "failed"]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=FILES_READABLE,
        passed=not refused,
        metadata={"refused": {load.path: load.reason for load in refused}},
    )


def _report(context: dg.AssetExecutionContext, system: System, refused: Sequence[Load]) -> None:
    """Leave a note on the run, which the last step reads.

    Failing here would skip the gates and the marts of every system because of one damaged file.
    """
    for load in refused:
        context.log.error(f"{load.path} was refused: {load.reason}.")
    if refused:
        note = "; ".join(f"{load.path} ({load.reason})" for load in refused)
        context.instance.add_run_tags(context.run_id, {REFUSED_TAG + system.name: note})


def refused_files(run: dg.DagsterRun) -> list[str]:
    """The notes of this run's loading steps: the files refused as a whole, with the reason."""
    return [note for tag, note in sorted(run.tags.items()) if tag.startswith(REFUSED_TAG)]
