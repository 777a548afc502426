"""The dbt project as assets, built by one step after all gates.

The verdicts hold a system's marts inside the models (`audit.held_systems`), so the step builds everything, says what
was built, and only then fails the run for what was held back or refused.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets
from psycopg import Connection

from dagster_project.dbt_process import build
from dagster_project.gates import verdict_key
from dagster_project.progress import Progress
from dagster_project.raw import refused_files
from dagster_project.resources import Warehouse
from dagster_project.standing_views import Manifest
from expectations.results import why_held

# What dbt's generic tests ask, and those of dbt/tests/generic whose condition says it best.
MEANINGS = {
    "unique": "{column_name} is unique",
    "not_null": "{column_name} is never null",
    "accepted_values": "{column_name} is one of {values}",
    "rows_that_break": "no row has {condition}",
}


class Translator(DagsterDbtTranslator):
    """dbt sources are the raw assets that they name; whatever reads a source waits for the verdict on its system."""

    def __init__(self, judged_systems: Iterable[str]) -> None:
        # A table and its versions come with one load, so as sources they are one asset.
        super().__init__(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))
        self.judged_systems = frozenset(judged_systems)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The folder: the system, or what all systems share."""
        *_, folder, _file = dbt_resource_props["original_file_path"].split("/")
        return str(folder)

    def get_asset_spec(self, manifest: Manifest, unique_id: str, project: Any) -> dg.AssetSpec:
        """The model or source as dagster-dbt sees it, and the verdicts it waits for."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        parents = self.get_resource_props(manifest, unique_id).get("depends_on", {}).get("nodes", [])
        sources = [manifest["sources"][parent] for parent in parents if parent.startswith("source.")]
        verdicts = {verdict_key(name) for name in {s["source_name"] for s in sources} & self.judged_systems}
        return spec.replace_attributes(deps=[*spec.deps, *verdicts]) if verdicts else spec

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Manifest, unique_id: str, project: Any
    ) -> dg.AssetCheckSpec | None:
        """The test as dagster-dbt sees it, and what it asks in words."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        return spec and spec._replace(description=_meaning(self.get_resource_props(manifest, unique_id)))


def _meaning(test: Mapping[str, Any]) -> str:
    """The name of a test, which is a sentence, and what of it the name does not say."""
    sentence = test["name"].rpartition("__")[2].replace("_", " ").capitalize()
    generic = test.get("test_metadata") or {"name": None, "kwargs": {}}
    asked = {**generic["kwargs"], "values": ", ".join(generic["kwargs"].get("values", []))}
    detail = MEANINGS.get(generic["name"], "").format(**asked)
    return f"{sentence}: {detail}." if detail else f"{sentence}."


def model_assets(manifest: Manifest, judged_systems: Iterable[str]) -> dg.AssetsDefinition:
    """All models of the project, and their tests as checks."""
    translator = Translator(judged_systems)

    @dbt_assets(manifest=manifest, dagster_dbt_translator=translator, name="build_models")
    def build_models(
        context: dg.AssetExecutionContext, warehouse: Warehouse, progress: dg.ResourceParam[Progress]
    ) -> Iterator[Any]:
        with turn_at_building(warehouse) as connection:
            yield from build(context, translator, connection, progress)
        run = context.instance.get_run_by_id(context.run_id) or context.run
        problems = [*_held_systems(warehouse), *(f"Refused: {note}." for note in refused_files(run))]
        if problems:
            raise dg.Failure("\n".join(problems), allow_retries=False)

    return build_models


@contextmanager
def turn_at_building(warehouse: Warehouse) -> Iterator[Connection]:
    """Wait until nobody else builds or loads: two builds at once would replace each other's tables, and rows that
    arrive while marts are built have no verdict. Gives the connection that holds the turn, in autocommit."""
    with warehouse.connect() as connection:
        connection.autocommit = True
        connection.execute("select pg_advisory_lock(hashtextextended('tally build', 0))")
        yield connection


def _held_systems(warehouse: Warehouse) -> list[str]:
    with warehouse.connect() as connection:
        held = connection.execute(
            "select system, rules, loads_without_verdict from audit.held_systems order by system"
        ).fetchall()
    return [
        f"{system} is held back by {why_held(rules, loads)}; its marts keep their last good state."
        for system, rules, loads in held
    ]
