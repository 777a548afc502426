"""`tally check`: only the gates, for people and for CI."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from psycopg import Connection

    from dagster_project.commands.watch import Watch
    from expectations.results import RuleResult
    from expectations.rule import Rule, Severity
    from expectations.waivers import Waiver
    from ingest.contract import System
    from ingest.settings import Settings

QUARANTINED = """
    select path || ' line ' || line || ' does not fit its contract: ' || reason
    from ingest.quarantine
    order by quarantine_id
    limit 10
"""


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
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Judge this landing zone, loaded into a database that is thrown away afterwards.",
            metavar="FOLDER",
        ),
    ] = None,
    format: Annotated[Format, typer.Option(help="How to write the verdicts.")] = Format.text,
    junit: Annotated[Path | None, typer.Option(help="Also write JUnit XML to this file.", metavar="FILE")] = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="The severity from which a broken rule means exit code 1.")
    ] = FailOn.error,
) -> None:
    """Ask the rules of the raw data and tell which do not hold."""
    from expectations import report
    from expectations.waivers import WAIVERS, read_waivers
    from ingest.contract import read_contracts
    from ingest.settings import Settings

    settings = Settings.from_environment()
    systems = read_contracts(settings.contract_folders)
    rules = _rules(systems, system)
    waivers = read_waivers(WAIVERS)
    if junit:
        _refuse_unwritable(junit)
    with _bars() as watch, _loaded(source, system, systems, watch) if source else nullcontext((settings, [])) as found:
        warehouse, landed = found
        docs = None if source else settings.make_home() / "data_docs"  # those are of the warehouse, and stay its own
        results = [*landed, *_ask(warehouse, docs, systems, rules, waivers, watch)]
    notes = report.notes(results, waivers, {rule.id for rule in _rules(systems, None)})
    severity: Severity = fail_on.value
    _tell(results, notes, format, severity, source)
    if junit:
        junit.write_text(report.as_junit(results, severity, source), encoding="utf-8")
    raise typer.Exit(1 if report.breaks(results, severity) else 0)


def _refuse_unwritable(junit: Path) -> None:
    """ConfigurationError before all rules are asked, not after."""
    from ingest.errors import ConfigurationError

    try:
        junit.open("a").close()
    except OSError as error:
        raise ConfigurationError(f"--junit is {junit}, which cannot be written ({error.strerror}).") from error


def _bars() -> Watch:
    """Bars on stderr, for people only: what is on stdout is the verdicts and nothing else."""
    from rich.console import Console

    from dagster_project.commands.watch import Watch

    console = Console(stderr=True)
    return Watch(console if console.is_terminal else Console(quiet=True))


def _ask(
    settings: Settings,
    docs: Path | None,
    systems: Sequence[System],
    rules: Sequence[Rule],
    waivers: Sequence[Waiver],
    watch: Watch,
) -> list[RuleResult]:
    from dagster_project.commands.connections import as_owner
    from expectations.run import check as ask
    from ingest import server

    with as_owner(settings, tuple(systems)):
        pass  # now every table is there to be asked about
    judged = {rule.system for rule in rules}
    watch.checking(", ".join(judged) if len(judged) == 1 else "all systems", len(rules))
    return ask(server.start(settings), rules, docs, watch.checked, waivers, judged)


def _tell(
    results: Sequence[RuleResult], notes: Sequence[str], format: Format, severity: Severity, source: str | None
) -> None:
    """Verdicts to stdout and notes to stderr; in CI, GitHub's annotations as well, which it finds in either."""
    from dagster_project.commands.tables import console
    from expectations import report

    if format is Format.json:
        typer.echo(report.as_json(results, source))
    else:
        console().print(report.as_text(results, source), end="", soft_wrap=True)
    refused = [
        f"{sample.subject}." for result in results if result.rule.id == report.LANDING for sample in result.samples
    ]
    for note in [*refused, *notes]:
        typer.echo(note, err=True)
    if os.environ.get("CI") == "true":
        annotations = report.as_annotations(results, severity, notes, source)
        typer.echo(annotations, nl=bool(annotations), err=format is Format.json)


@contextmanager
def _loaded(
    source: str, system: str | None, systems: Sequence[System], watch: Watch
) -> Iterator[tuple[Settings, list[RuleResult]]]:
    """A warehouse of its own with the landing zone loaded, and the verdict on what did not get in; gone afterwards."""
    from dagster_project.commands.connections import as_owner
    from ingest import server
    from ingest.settings import Settings

    with TemporaryDirectory(prefix="tally-check-") as home:
        Path(home).chmod(0o755)  # root's server runs as a plain user
        settings = Settings.from_environment(
            {**os.environ, "TALLY_HOME": home, "TALLY_LANDING": source, "TALLY_DATABASE_URL": ""}
        )
        try:
            with as_owner(settings, tuple(systems)) as connection:
                landed = _load(connection, settings, tuple(systems), system, watch)
            yield settings, [landed]
        finally:
            server.stop(settings)


def _load(
    connection: Connection, settings: Settings, systems: tuple[System, ...], system: str | None, watch: Watch
) -> RuleResult:
    """Load the landing zone; what breaks is each file and folder refused, and each row, the first of which are told."""
    from expectations.report import landing_verdict
    from ingest.arrivals import find_arrivals
    from ingest.errors import ConfigurationError
    from ingest.landing import find_strangers
    from ingest.load import load_files

    if isinstance(settings.landing, Path) and not settings.landing.is_dir():
        raise ConfigurationError(f"There is no folder {settings.landing}; --from names a landing zone.")
    files = find_arrivals(connection, settings.landing, systems, system)
    if not files:
        raise ConfigurationError(f"There is nothing to judge in {settings.landing}.")
    watch.loading(system or "all systems", files)
    loads = load_files(connection, systems, files, watch.loaded, watch.reading)
    whole = [f"{load.path} was refused: {load.reason}" for load in loads if load.status == "failed"]
    whole += [sentence.removesuffix(".") for sentence in find_strangers(settings.landing, systems)]
    rows = sum(load.rows_conflict + load.rows_rejected for load in loads)
    return landing_verdict([*whole, *(told for (told,) in connection.execute(QUARANTINED))], len(whole) + rows)


def _rules(systems: Sequence[System], system: str | None) -> list[Rule]:
    from expectations.catalogue import rules_for
    from ingest.errors import ConfigurationError

    rules = [rule for known in systems if system in (None, known.name) for rule in rules_for(known)]
    if not rules:
        names = ", ".join(known.name for known in systems)
        raise ConfigurationError(f"There are no rules for {system}; known systems are {names}.")
    return rules
