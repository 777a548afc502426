"""`tally check`: only the gates, for people and for CI."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from expectations.rule import Rule, Severity
    from ingest.contract import System


class Format(StrEnum):
    """How verdicts are written."""

    text = "text"
    json = "json"


class FailOn(StrEnum):
    """The least severity of a broken rule that fails the command."""

    critical = "critical"
    error = "error"
    warn = "warn"


def check(
    system: Annotated[str | None, typer.Option(help="Only the rules of this system.", metavar="NAME")] = None,
    format: Annotated[Format, typer.Option(help="How to write the verdicts.")] = Format.text,
    junit: Annotated[Path | None, typer.Option(help="Also write JUnit XML to this file.", metavar="FILE")] = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="The severity from which a broken rule means exit code 1.")
    ] = FailOn.error,
) -> None:
    """Ask the rules of the raw data and tell which do not hold."""
    from rich.console import Console

    from dagster_project.commands.connections import as_owner
    from dagster_project.commands.tables import console
    from dagster_project.commands.watch import Watch
    from expectations import report
    from expectations.run import check as ask
    from ingest import server
    from ingest.contract import read_contracts
    from ingest.settings import Settings

    settings = Settings.from_environment()
    systems = read_contracts(settings.contract_folders)
    rules = _rules(systems, system)
    with as_owner(settings, systems):
        pass  # now every table is there to be asked about
    # Bars go to stderr: what is on stdout is the verdicts and nothing else.
    bars = Console(stderr=True)
    with Watch(bars if bars.is_terminal else Console(quiet=True)) as watch:
        watch.checking(system or "all systems", len(rules))
        results = ask(server.start(settings), rules, settings.home / "data_docs", watch.checked)
    if format is Format.json:
        typer.echo(report.as_json(results))
    else:
        console().print(report.as_text(results), end="")
    severity: Severity = fail_on.value
    if junit:
        junit.write_text(report.as_junit(results, severity), encoding="utf-8")
    raise typer.Exit(1 if report.breaks(results, severity) else 0)


def _rules(systems: Sequence[System], system: str | None) -> list[Rule]:
    from expectations.catalogue import rules_for
    from ingest.errors import ConfigurationError

    rules = [rule for known in systems if system in (None, known.name) for rule in rules_for(known)]
    if not rules:
        names = ", ".join(known.name for known in systems)
        raise ConfigurationError(f"There are no rules for {system}; known systems are {names}.")
    return rules
