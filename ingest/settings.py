"""Where things are: the environment variables of Tally, read once, with their defaults."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

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
        """Read `TALLY_*`; an empty value counts as absent. ConfigurationError for what cannot be meant."""

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
        database_url = environment.get("TALLY_DATABASE_URL") or None
        if database_url:
            _refuse_misspelt(database_url)
        return cls(
            home=home,
            landing=ObjectStore.from_environment(landing, environment)
            if "://" in landing
            else path("TALLY_LANDING") or home / "landing",
            database_url=database_url,
            pg_bin=pg_bin,
            contract_folders=(SHIPPED_CONTRACTS, *((extra,) if extra else ())),
        )

    def make_home(self) -> Path:
        """The home, which is there now; ConfigurationError where nothing can be written, which libraries tell badly."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.home).close()
        except OSError as error:
            raise ConfigurationError(
                f"TALLY_HOME is {self.home}, where nothing can be written ({error.strerror}); name another folder."
            ) from error
        return self.home

    def refuse_missing_landing(self) -> None:
        """ConfigurationError for a folder that was named and is not there: mistyped, it would be empty for ever."""
        if isinstance(self.landing, Path) and self.landing != self.home / "landing" and not self.landing.is_dir():
            raise ConfigurationError(f"TALLY_LANDING is {self.landing}, which is not a folder; correct it or make it.")


def _refuse_misspelt(url: str) -> None:
    """ConfigurationError, which repeats nothing of it: there may be a password in it."""
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ConfigurationError(
            "TALLY_DATABASE_URL is not a connection string; write postgresql://user@host:5432/database."
        ) from None
