"""The nightly proof: one system's marts, built by what loads touched, are what a whole build makes of its data.

Nothing is published: the differences are counted in `audit.build_proofs`, and any fails the check. Each night takes the
system whose last proof is the oldest.
"""

import os
from collections.abc import Sequence

import dagster as dg
from psycopg import Connection

from dagster_project.dbt_runner import invoke, problem
from dagster_project.models import turn_at_building
from dagster_project.resources import Warehouse
from ingest.errors import TallyError

PROOF = dg.AssetKey(["audit", "build_proofs"])
CHECK = "marts_are_what_a_whole_build_makes"

_OLDEST = """
    select systems.system
    from unnest(%s::text[]) with ordinality as systems (system, place)
    left join audit.build_proofs as proofs on systems.system = proofs.system
    where systems.system not in (select system from audit.held_systems)
    and not exists (
        select from ingest.loads
        left join audit.built_loads as built on loads.load_id = built.load_id
        where loads.system = systems.system and loads.status = 'loaded'
        and (built.load_id is null or loads.replayed_at is distinct from built.replayed_at)
    )
    group by systems.system, systems.place
    order by max(proofs.proved_at) nulls first, systems.place
    limit 1
"""
_DIFFERENCES = """
    select mart, rows_missing, rows_surplus
    from audit.build_proofs
    where system = %s and proved_at = (select max(proved_at) from audit.build_proofs where system = %s)
    and rows_missing + rows_surplus > 0
    order by mart
"""


def proof(systems: Sequence[str]) -> dg.AssetsDefinition:
    """The asset of the proofs, with the check that says what the newest found."""

    @dg.asset(
        key=PROOF,
        group_name="marts",
        kinds={"dbt"},
        description="What a whole build of one system would change in its marts: nothing.",
        check_specs=[dg.AssetCheckSpec(CHECK, asset=PROOF, description="Nothing would change.")],
    )
    def build_proofs(warehouse: Warehouse) -> dg.MaterializeResult:
        with turn_at_building(warehouse), warehouse.connect() as connection:
            system = oldest_proved(connection, systems)
            differences = prove(connection, system) if system else []
        found = {mart: f"{missing} missing, {surplus} too many" for mart, missing, surplus in differences}
        metadata = {"system": system or "none: all are held or have loads to build", **found}
        check = dg.AssetCheckResult(check_name=CHECK, passed=not differences, metadata=metadata)
        return dg.MaterializeResult(metadata=metadata, check_results=[check])

    return build_proofs


def oldest_proved(connection: Connection, systems: Sequence[str]) -> str | None:
    """The system to prove next: neither held nor with loads that wait to be built; None when there is none."""
    found = connection.execute(_OLDEST, (list(systems),)).fetchall()
    return str(found[0][0]) if found else None


def prove(connection: Connection, system: str) -> list[tuple[str, int, int]]:
    """Marts that differ from a whole build of the system, with the rows they lack and those they have too many."""
    connection.commit()
    os.environ["TALLY_PROVE"] = system
    try:
        result = invoke(["--no-write-json", "build", "--exclude-resource-types", "test", "unit_test"])
    finally:
        del os.environ["TALLY_PROVE"]
    if not result.success:
        raise TallyError(f"The marts of {system} could not be proved: {problem(result)}.")
    return connection.execute(_DIFFERENCES, (system, system)).fetchall()
