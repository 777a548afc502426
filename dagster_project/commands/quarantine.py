"""`tally quarantine`: the rows that were refused."""

from typing import Annotated

import typer

from dagster_project.commands.tables import console, plural, table

app = typer.Typer(no_args_is_help=True, help="See the rows that were refused.")

QUERY = """
    select system, table_name, path, line, outcome, rule, reason
    from ingest.quarantine
    where (%(system)s::text is null or system = %(system)s)
        and (%(table)s::text is null or table_name = %(table)s)
    order by system, table_name, quarantine_id
"""


@app.callback()
def group() -> None:
    """See the rows that were refused."""


@app.command("list")
def list_rows(
    system: Annotated[str | None, typer.Option(help="Only rows of this system.", metavar="NAME")] = None,
    table_name: Annotated[str | None, typer.Option("--table", help="Only rows of this table.", metavar="NAME")] = None,
) -> None:
    """List refused rows: where they were delivered, the rule they broke and why."""
    from dagster_project.commands.connections import as_owner
    from ingest.contract import read_contracts
    from ingest.settings import Settings

    settings = Settings.from_environment()
    with as_owner(settings, read_contracts(settings.contract_folders)) as connection:
        rows = connection.execute(QUERY, {"system": system, "table": table_name}).fetchall()
    columns = ("system", "table", "file", "line", "outcome", "rule", "reason")
    if rows:
        console().print(table(None, columns, rows))
    console().print(f"{plural(len(rows), 'row')} in quarantine.", style="dim")
