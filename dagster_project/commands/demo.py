"""`tally demo`: a sample of all systems, everything run on it, and the four answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dagster_project.commands import run
from dagster_project.commands.tables import console

if TYPE_CHECKING:
    from dagster_project.commands.watch import Watch
    from ingest.settings import Settings

NOTE = "_sample.json"  # names that start with an underscore are left alone by the loader
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
    from dagster_project.commands.watch import Watch
    from ingest.settings import Settings

    settings = Settings.from_environment()
    choices = {"days": days, "seed": seed, "scale": scale, "faults": faults}
    _claim(settings.landing, choices)
    terminal = console()
    with Watch(terminal) as watch:
        _write(settings, watch, choices)
        problems = run.run_everything(settings, watch)
    terminal.print()
    code = run.tell(watch, problems)
    terminal.print()
    with as_analyst(settings) as connection:
        for answer in answers(connection):
            terminal.print(answer)
            terminal.print()
    terminal.print(HINTS)
    raise typer.Exit(code)


def _claim(landing: Path, choices: dict[str, Any]) -> None:
    """Refuse a landing zone that holds anything but this very sample: its rows would contradict each other."""
    from ingest.errors import ConfigurationError

    note = landing / NOTE
    if note.exists():
        if json.loads(note.read_text(encoding="utf-8")) != choices:
            raise ConfigurationError(
                f"{landing} holds a sample made with other options; set TALLY_HOME to a new folder."
            )
    elif landing.exists() and any(landing.iterdir()):
        raise ConfigurationError(f"{landing} holds deliveries already; set TALLY_HOME to a new folder for the demo.")
    landing.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(choices) + "\n", encoding="utf-8")


def _write(settings: Settings, watch: Watch, choices: dict[str, Any]) -> None:
    from ingest.contract import read_contracts
    from ingest.sample import SYSTEMS, write_sample

    systems = read_contracts(settings.contract_folders)
    watch.writing(sum(len(system.tables) for system in systems if system.name in SYSTEMS))
    write_sample(
        settings.landing,
        systems,
        **choices,
        on_table=lambda system, table, rows: watch.written(f"{system}.{table}", rows),
    )
