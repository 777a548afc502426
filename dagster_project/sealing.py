"""The nightly seal: what was loaded since the last one is sealed, and then every seal is verified.

It is a job of its own, between the run and the proof: a run that waited for it would be late by what history takes,
some 8 seconds a million rows.
"""

import dagster as dg

from dagster_project.resources import Warehouse
from ingest.contract import read_contracts
from ingest.schema import ensure_schemas
from ingest.seal import seal
from ingest.seal_file import SealFile
from ingest.seal_verify import Finding, verify

SEALS = dg.AssetKey(["audit", "seals"])
CHECK = "sealed_rows_are_there_and_as_they_were"


@dg.asset(
    key=SEALS,
    group_name="ingest",
    kinds={"postgres"},
    description="Every row of the append tables, under roots that lie in the seal file.",
    check_specs=[dg.AssetCheckSpec(CHECK, asset=SEALS, description="Nobody changed, removed or added one.")],
)
def seals(warehouse: Warehouse) -> dg.MaterializeResult:
    """Seal what is new, verify everything."""
    settings = warehouse.settings
    systems = read_contracts(settings.contract_folders)
    file = SealFile.of(settings)
    with warehouse.connect() as connection:
        ensure_schemas(connection, systems)
        done = seal(connection, systems, file)
        verified = verify(connection, systems, file)
    rows = sum(tree.rows for table in done.seal.tables for tree in table.trees) if done.seal else 0
    told = {_place(finding): finding.rows or 1 for finding in verified.findings}
    check = dg.AssetCheckResult(
        check_name=CHECK,
        passed=not verified.findings and not done.problems,
        metadata={
            "verified_rows": verified.rows,
            **told,
            **{f"unsealed {number}": problem for number, problem in enumerate(done.problems, 1)},
        },
    )
    metadata = {"sealed_rows": rows, "seals": verified.seals, "digest": verified.digest or "none"}
    return dg.MaterializeResult(metadata=metadata, check_results=[check])


def _place(finding: Finding) -> str:
    if not finding.table:
        return "seal file"
    return f"{finding.system}.{finding.table} {finding.month or ''}: {finding.what}"
