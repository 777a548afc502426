"""`tally verify`: whether every sealed row is still there and as it was, and what became of those that are not."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project.commands.seal import FileOption, seal_file
from dagster_project.commands.tables import console, plural

if TYPE_CHECKING:
    from ingest.seal_verify import Finding, Verification

KEYS_SHOWN = 10


def verify(
    file: FileOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write what was found as JSON.")] = False,
    keys: Annotated[int, typer.Option(help="How many keys of each finding to name.", min=1)] = KEYS_SHOWN,
) -> None:
    """Verify that every sealed row is as it was sealed; name those that were edited, deleted, inserted or swapped."""
    from rich.console import Console

    from dagster_project.commands.connections import as_owner
    from ingest.contract import read_contracts
    from ingest.errors import ConfigurationError
    from ingest.seal_verify import verify as verify_seals
    from ingest.settings import Settings

    settings = Settings.from_environment()
    systems = read_contracts(settings.contract_folders)
    seals = seal_file(settings, file)
    with as_owner(settings, systems) as connection, Console(stderr=True).status("verify") as status:
        found = verify_seals(
            connection, systems, seals, keys, lambda one: status.update(f"verify {one.system}.{one.name}")
        )
    if not found.seals and not found.findings:
        raise ConfigurationError(f"There is no seal in {seals.path}; `tally seal` makes one.")
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2, ensure_ascii=False))
    else:
        _tell(found)
    raise typer.Exit(1 if found.findings else 0)


def _tell(found: Verification) -> None:
    terminal = console()
    for finding in found.findings:
        terminal.print(_heading(finding), style="bold red", soft_wrap=True)
        terminal.print(f"  {finding.detail}", soft_wrap=True, markup=False)
        for key in finding.keys:
            terminal.print("  " + " ".join(f"{name}={value}" for name, value in key.items()), markup=False)
        more = (finding.rows or 0) - len(finding.keys)
        if finding.keys and more > 0:
            terminal.print(f"  … and {more:,} more: tally verify --keys {finding.rows} --json", soft_wrap=True)
        for path in finding.files:
            terminal.print(f"  as delivered in {path}", markup=False, soft_wrap=True)
    if found.findings:
        terminal.print()
    where = f"{plural(found.rows, 'row')} of {plural(found.tables, 'table')} in {plural(found.seals, 'seal')}"
    if found.findings:
        terminal.print(f"{where} verified: {plural(len(found.findings), 'finding')}.")
    else:
        terminal.print(f"{where} verified: all are there and as they were sealed.")
    for count, said in (
        (found.erased_rows, "erased, their seals kept"),
        (found.replayed_rows, "let in by a replay since, which the next seal takes in"),
    ):
        if count:
            terminal.print(f"{plural(count, 'row')} {said}.")
    if found.archived_months:
        terminal.print(f"{plural(found.archived_months, 'partition')} archived, and so not looked at.")
    terminal.print(f"The newest seal has the digest {found.digest}.", soft_wrap=True)


def _heading(finding: Finding) -> str:
    if not finding.table:
        return "seal file"
    place = f"{finding.system}.{finding.table}" + (f", {finding.month}" if finding.month else "")
    what = "the list of sealed rows" if finding.what == "list" else finding.what
    return f"{place}: {what}" if finding.rows is None else f"{place}: {plural(finding.rows, 'row')} {what}"
