"""Where things are: the environment variables of Tally, read once, with their defaults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import ConfigurationError
from ingest.object_store import ObjectStore

SHIPPED_CONTRACTS = Path(__file__).parent / "contracts"


@dataclass(frozen=True)
class Settings:
    """The configuration of one warehouse. Paths are absolute; the landing zone may lie in an object store."""

    home: Path
    landing: Path | ObjectStore
    database_url: str | None
    pg_bin: Path | None
    contract_folders: tuple[Path, ...]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read `TALLY_*`; an empty value counts as absent. ConfigurationError for a folder that is not there."""

        def path(name: str) -> Path | None:
            value = environment.get(name)
            return Path(value).expanduser().absolute() if value else None

        home = path("TALLY_HOME") or Path(".tally").absolute()
        extra = path("TALLY_CONTRACTS")
        pg_bin = path("TALLY_PG_BIN")
        for name, folder in (("TALLY_CONTRACTS", extra), ("TALLY_PG_BIN", pg_bin)):
            if folder and not folder.is_dir():
                raise ConfigurationError(f"{name} is {folder}, which is not a folder; correct it or unset it.")
        landing = environment.get("TALLY_LANDING") or ""
        return cls(
            home=home,
            landing=ObjectStore.from_environment(landing, environment)
            if "://" in landing
            else path("TALLY_LANDING") or home / "landing",
            database_url=environment.get("TALLY_DATABASE_URL") or None,
            pg_bin=pg_bin,
            contract_folders=(SHIPPED_CONTRACTS, *((extra,) if extra else ())),
        )
