"""`tally demo`: a sample of all systems, everything run on it, and the four answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dagster_project.commands import run
from dagster_project.commands.tables import console

if TYPE_CHECKING:
    from dagster_project.commands.watch import Watch
    from ingest.settings import Settings

HINTS = """
See more:
  tally sql "select * from marts.settlements where difference <> 0"
  tally explore
  tally ui"""


def demo(
    days: Annotated[int, typer.Option(help="Days of history, at least 3.")] = 60,
    seed: Annotated[int, typer.Option(help="Another seed gives another sample.")] = 7,
    scale: Annotated[int, typer.Option(help="Multiplies the volume.")] = 1,
    faults: Annotated[bool, typer.Option("--faults", help="Plant a violation of every critical rule.")] = False,
) -> None:
    """Write a sample of all five systems, run everything on it and print the four answers."""
    from dagster_project.commands.answers import answers
    from dagster_project.commands.connections import as_analyst
    from dagster_project.commands.missing import has_marts
    from dagster_project.commands.watch import Watch
    from ingest.errors import ConfigurationError
    from ingest.settings import Settings

    settings = Settings.from_environment()
    landing = settings.landing
    if not isinstance(landing, Path):
        raise ConfigurationError(f"The sample is written to a folder only, and TALLY_LANDING is {landing}; unset it.")
    choices = {"days": days, "seed": seed, "scale": scale, "faults": faults}
    terminal = console()
    with Watch(terminal) as watch:
        _write(landing, settings, watch, choices)
        problems = run.run_everything(settings, watch)
    terminal.print()
    code = run.tell(watch, problems)
    terminal.print()
    with as_analyst(settings) as connection:
        for answer in answers(connection) if has_marts(connection) else ():
            terminal.print(answer)
            terminal.print()
    if faults:
        listing = landing.parent / "planted_faults.json"
        terminal.print(f"What was planted is listed in {listing}.", soft_wrap=True)
    terminal.print(HINTS)
    raise typer.Exit(code)


def _write(landing: Path, settings: Settings, watch: Watch, choices: dict[str, Any]) -> None:
    from ingest.contract import read_contracts
    from ingest.errors import ConfigurationError
    from ingest.sample import SYSTEMS, write_sample

    systems = read_contracts(settings.contract_folders)
    try:
        landing.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The landing zone {landing} cannot be written ({error.strerror}); correct TALLY_LANDING."
        ) from error
    watch.writing(sum(len(system.tables) for system in systems if system.name in SYSTEMS))
    write_sample(
        landing,
        systems,
        **choices,
        on_table=lambda system, table, rows: watch.written(f"{system}.{table}", rows),
    )
