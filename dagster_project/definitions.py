"""Everything Dagster knows of Tally: the assets and checks, the one job over all of them, and its schedule."""

import logging
from logging.handlers import RotatingFileHandler

import dagster as dg

from dagster_project import environment
from dagster_project.dbt_process import manifest
from dagster_project.gates import ALL_ROWS_TAG, gate
from dagster_project.models import model_assets
from dagster_project.progress import Progress
from dagster_project.proof import PROOF, proof
from dagster_project.raw import ALL_DATES_TAG, LOADS, raw_assets
from dagster_project.resources import Warehouse
from dagster_project.sealing import SEALS, seals
from expectations.catalogue import rules_for
from ingest.contract import read_contracts
from ingest.settings import Settings

RUN = "tally_run"


@dg.logger(config_schema=None)
def file_logger(_context: dg.InitLoggerContext) -> logging.Logger:
    """What Dagster says of a run, in TALLY_HOME/logs/dagster.log."""
    path = environment.logs_folder(Settings.from_environment()) / "dagster.log"
    logger = logging.Logger("tally", level=logging.DEBUG)
    handler = RotatingFileHandler(path, maxBytes=10_000_000, backupCount=3, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    return logger


@dg.definitions
def defs() -> dg.Definitions:
    """What `workspace.yaml` points to; the runs of the web UI and of the schedule report to nobody."""
    return build_definitions(Settings.from_environment(), Progress())


def build_definitions(settings: Settings, progress: Progress) -> dg.Definitions:
    """The definitions of one warehouse, whose runs report to `progress`."""
    environment.prepare(settings)
    systems = read_contracts(settings.contract_folders)
    job = dg.define_asset_job(
        RUN,
        dg.AssetSelection.all() - dg.AssetSelection.assets(PROOF, SEALS),
        description="Load what is new, ask the gates, build the marts.",
        config={"loggers": {"file": {}}},
    )
    sealing = dg.define_asset_job(
        "tally_seal",
        dg.AssetSelection.assets(SEALS),
        description="Seal what was loaded since the last seal, and verify that nobody changed what was sealed.",
        config={"loggers": {"file": {}}},
    )
    proving = dg.define_asset_job(
        "tally_proof",
        dg.AssetSelection.assets(PROOF),
        description="Prove that one system's marts are what a whole build would make; publishes nothing.",
        config={"loggers": {"file": {}}},
    )
    return dg.Definitions(
        assets=[
            LOADS,
            *(raw_assets(system) for system in systems),
            *(gate(system, rules_for(system)) for system in systems),
            model_assets(manifest(settings), [system.name for system in systems]),
            seals,
            proof([system.name for system in systems]),
        ],
        jobs=[job, sealing, proving],
        schedules=[
            dg.ScheduleDefinition(
                name="daily",
                job=job,
                cron_schedule="30 2 * * *",
                execution_timezone="UTC",
                tags={ALL_DATES_TAG: "true", ALL_ROWS_TAG: "true"},
                default_status=dg.DefaultScheduleStatus.RUNNING,
            ),
            dg.ScheduleDefinition(
                name="nightly_seal",
                job=sealing,
                cron_schedule="30 3 * * *",
                execution_timezone="UTC",
                default_status=dg.DefaultScheduleStatus.RUNNING,
            ),
            dg.ScheduleDefinition(
                name="nightly_proof",
                job=proving,
                cron_schedule="30 4 * * *",
                execution_timezone="UTC",
                default_status=dg.DefaultScheduleStatus.RUNNING,
            ),
        ],
        resources={"warehouse": Warehouse(), "progress": progress},
        loggers={"file": file_logger},
        executor=dg.in_process_executor,
    )
