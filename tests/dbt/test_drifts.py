"""Every drift of a balance is named with its cause: planted ones all of them, and on clean books none."""

import importlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dagster_project import environment
from ingest.contract import System
from ingest.landing import find_files
from ingest.load import load_files
from ingest.sample import write_sample
from ingest.settings import Settings
from tests.dbt import drifts
from tests.dbt.drifts import Drift

CAUSES = {
    "unknown account",
    "duplicate",
    "late row",
    "stale projection",
    "wrong amount",
    "missing entry",
}
DAYS = 16  # nine days of history in one delivery, then seven daily ones
PLANTERS: dict[str, Callable[..., Any]] = {
    "funpot": drifts.plant_funpot,
    "advert_market": drifts.plant_advert_market,
    "synapse": drifts.plant_synapse,
}


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, systems: tuple[System, ...]) -> Callable[[int], list[Drift]]:
    """Writes a sample with drifts planted by a seed; returns them."""

    def write(seed: int) -> list[Drift]:
        planted: list[Drift] = []

        def planter(name: str) -> Callable[..., list[Any]]:
            def into(outbox: Any, rng: random.Random) -> list[Any]:
                planted.extend(PLANTERS[name](outbox, random.Random(f"{name} {seed}")))
                return []

            return into

        for name in PLANTERS:
            faults = importlib.import_module(f"ingest.sample.{name}.faults")
            monkeypatch.setattr(faults, "plant", planter(name))
        write_sample(tmp_path / "landing", systems, days=DAYS, seed=seed, faults=True)
        return planted

    return write


@pytest.fixture
def build(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Builds what balances are reconciled from."""
    from dbt.cli.main import dbtRunner

    for name, value in environment.dbt_environment(settings).items():
        monkeypatch.setenv(name, value)
    project = ["--project-dir", str(environment.DBT_PROJECT), "--profiles-dir", str(environment.DBT_PROJECT)]

    def run() -> None:
        assert dbtRunner().invoke(["run", "--select", "+balance_reconciliation", "--quiet", *project]).success

    return run


@pytest.mark.parametrize(
    "seed", range(int(__import__("os").environ.get("S0", "1")), int(__import__("os").environ.get("S1", "4")))
)
def test_every_planted_drift_is_attributed_to_its_cause_and_nothing_else_drifts(
    seed: int,
    plant: Callable[[int], list[Drift]],
    build: Callable[[], None],
    connection: psycopg.Connection,
    systems: tuple[System, ...],
    tmp_path: Path,
) -> None:
    planted = plant(seed)
    assert {drift.cause for drift in planted} == CAUSES
    assert len(planted) >= 6 * 3 * drifts.PER_CAUSE
    load_files(connection, systems, find_files(tmp_path / "landing", systems))
    connection.commit()
    build()

    found = connection.execute(
        "select system, account_id, cause, drift, first_divergent_entry_id from marts.balance_reconciliation"
        " where status = 'differs'"
    ).fetchall()
    assert {row[:4] for row in found} == {(d.system, d.account_id, d.cause, d.amount) for d in planted}
    named = {(d.system, d.account_id): d.entry_id for d in planted if d.entry_id}
    assert {(row[0], row[1]): row[4] for row in found if row[:2] in named} == named
