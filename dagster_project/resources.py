"""What the assets are given to work with."""

import dagster as dg
from psycopg import Connection

from ingest import server
from ingest.settings import Settings


class Warehouse(dg.ConfigurableResource[None]):
    """The warehouse that the environment's `TALLY_*` variables name."""

    @property
    def settings(self) -> Settings:
        """Where everything is."""
        return Settings.from_environment()

    @property
    def conninfo(self) -> str:
        """The database's connection string; starts the embedded server when needed."""
        return server.start(self.settings)

    def connect(self) -> Connection:
        """A connection in UTC, not in autocommit."""
        return server.connect(self.settings)
