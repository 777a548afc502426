"""The dbt sources files, rendered from the contracts: whole files, owned by the machine.

`python -m ingest.dbt_sources` writes them; a test renders them again and compares.
"""

from pathlib import Path

import yaml

from ingest.contract import System, read_contracts
from ingest.settings import SHIPPED_CONTRACTS
from ingest.versions import relations

STAGING = Path(__file__).parents[1] / "dbt" / "models" / "staging"


def sources_path(system: System) -> Path:
    """Where the sources file of a system lives."""
    return STAGING / system.name / f"_{system.name}__sources.yml"


def render_sources(system: System) -> str:
    """The text of a system's sources file."""
    document = {
        "sources": [
            {
                "name": system.name,
                "schema": f"raw_{system.name}",
                "description": system.description,
                "tables": [
                    {
                        "name": table.name,
                        "description": table.description,
                        # Versions come with the load of their table.
                        "config": {"meta": {"dagster": {"asset_key": [loaded.schema, loaded.name]}}},
                        "columns": [
                            {"name": column.name, "description": column.description, "data_type": column.type}
                            for column in table.columns
                        ],
                    }
                    for loaded in system.tables
                    for table in relations(loaded)
                ],
            }
        ]
    }
    head = f"# Generated from ingest/contracts/{system.path.name} by `python -m ingest.dbt_sources`; do not edit.\n"
    return head + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def main() -> None:
    """Write the sources file of every shipped contract."""
    for system in read_contracts([SHIPPED_CONTRACTS]):
        path = sources_path(system)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_sources(system), encoding="utf-8")


if __name__ == "__main__":
    main()
