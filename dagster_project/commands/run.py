"""`tally run`: load what is new, ask the gates, build the marts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from dagster_project.commands.tables import console, plural

if TYPE_CHECKING:
    from dagster_project.commands.watch import Watch
    from ingest.settings import Settings


def run() -> None:
    """Load what is new, ask the gates and build the marts: one run, which `tally ui` shows."""
    from dagster_project.commands.watch import Watch
    from ingest.settings import Settings

    settings = Settings.from_environment()
    with Watch(console()) as watch:
        problems = run_everything(settings, watch)
    raise typer.Exit(tell(watch, problems))


def run_everything(settings: Settings, watch: Watch) -> list[str]:
    """Run the job; returns what went wrong or was found lying about, one sentence each."""
    from dagster_project.execution import run_job
    from ingest.contract import read_contracts
    from ingest.landing import find_strangers

    problems = run_job(settings, watch)
    return problems + find_strangers(settings.landing, read_contracts(settings.contract_folders))


def tell(watch: Watch, problems: list[str]) -> int:
    """Show which rules are broken and what was refused; returns the exit code."""
    from expectations.catalogue import rules_for
    from expectations.report import as_text, notes
    from expectations.waivers import WAIVERS, read_waivers
    from ingest.contract import read_contracts
    from ingest.settings import Settings

    broken = {result.rule.system for result in watch.results if result.is_broken}
    if broken:
        console().print(as_text([result for result in watch.results if result.rule.system in broken]))
    refused = sum(load.rows_conflict + load.rows_rejected for load in watch.loads)
    if refused:
        console().print(f"{plural(refused, 'row')} went to quarantine: `tally quarantine list` shows them.")
    systems = read_contracts(Settings.from_environment().contract_folders)
    known = {rule.id for system in systems for rule in rules_for(system)}
    for sentence in [*problems, *notes(watch.results, read_waivers(WAIVERS), known)]:
        print(sentence, file=sys.stderr)
    return 1 if problems else 0
