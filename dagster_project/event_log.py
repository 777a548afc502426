"""Dagster's event log in SQLite, kept open between events.

Dagster opens a new database engine for every event, which compiles every statement anew: a run of 1,500 events spent
20 seconds in it, and spends 5 with this class. Named by the `dagster.yaml` that `environment.py` writes.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event

BUSY_TIMEOUT_SECONDS = 30
MOST_OPEN = 8  # every run has a file of its own, and the web server must not end up holding all of them


class EventLog(SqliteEventLogStorage):
    """The stock storage, files and all, with one engine for each of its files."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> "EventLog":
        """Called by Dagster with what `dagster.yaml` says under `config`."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engines.get(shard) or self._open(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _open(self, shard: str) -> Engine:
        engine = create_engine(
            self.conn_string_for_shard(shard), connect_args={"timeout": BUSY_TIMEOUT_SECONDS}, pool_size=1
        )
        event.listen(engine, "connect", _sync_at_checkpoints)
        self._initdb(engine)
        if len(self._engines) == MOST_OPEN:
            self._engines.pop(next(iter(self._engines))).dispose()
        self._engines[shard] = engine
        return engine

    def dispose(self) -> None:
        """Close every file."""
        while self._engines:
            self._engines.popitem()[1].dispose()
        super().dispose()


def _sync_at_checkpoints(connection: Any, _record: Any) -> None:
    """With a write-ahead log this loses no consistency, only the last events of a machine that loses power."""
    connection.execute("pragma synchronous = normal")
