"""Why the marts do not hold what somebody asks for: never built, a system held back, or one that does not exist."""

from psycopg import Connection
from psycopg.rows import tuple_row

from expectations.results import why_held
from ingest.contract import read_contracts
from ingest.errors import ConfigurationError
from ingest.settings import Settings

HELD = """
    select system, rules, loads_without_verdict from audit.held_systems
    where %(system)s::text is null or system = %(system)s
    order by system
"""


def has_marts(connection: Connection) -> bool:
    """Whether a build was ever published: the marts come all at once."""
    return connection.execute("select to_regclass('marts.settlements')").fetchone() != (None,)


def refuse_without_marts(connection: Connection) -> None:
    """ConfigurationError before the first build."""
    if not has_marts(connection):
        raise ConfigurationError("There are no marts yet; `tally run` builds them.")


def why_missing(connection: Connection, system: str | None) -> str:
    """What to add of this system, or of any, when its marts lack something; ConfigurationError for an unknown one."""
    known = [described.name for described in read_contracts(Settings.from_environment().contract_folders)]
    if system not in (None, *known):
        raise ConfigurationError(f"There is no system {system}; known are {', '.join(known)}.")
    held = connection.cursor(row_factory=tuple_row).execute(HELD, {"system": system}).fetchall()
    if system:
        return "".join(f"; {system} is held back by {why_held(*why)} (see `tally status`)" for _, *why in held)
    return f"; held back are {', '.join(name for name, *_ in held)} (see `tally status`)" if held else ""
