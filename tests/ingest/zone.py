"""A landing zone on a fresh database, and the rows that tests deliver to it."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from ingest.contract import System
from ingest.landing import find_files
from ingest.load import Load, load_files

POSTED = "2026-05-31T23:59:59.999999Z"


def entry(number: int, **changes: Any) -> dict[str, Any]:
    """A ledger entry of advert_market: an append table, partitioned by month."""
    return {
        "id": str(UUID(int=number)),
        "tx_ref": str(UUID(int=7)),
        "account_id": "EXTERNAL_TON",
        "direction": "DEBIT",
        "amount_nano": 5,
        "deal_id": None,
        "description": None,
        "created_at": POSTED,
    } | changes


def ndjson(*rows: Any) -> bytes:
    return "".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows).encode()


@dataclass
class Zone:
    """A landing zone and the warehouse it is loaded into."""

    root: Path
    connection: psycopg.Connection
    systems: tuple[System, ...]
    loads: list[Load] = field(default_factory=list)

    def deliver(self, table: str, content: bytes, name: str = "part.ndjson", day: str = "2026-06-01") -> Path:
        path = self.root / table.replace(".", "/") / f"date={day}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def load(self) -> list[Load]:
        """Load what is new; the loads that were not skipped."""
        done = load_files(self.connection, self.systems, find_files(self.root, self.systems))
        self.connection.commit()
        return [load for load in done if load.status != "skipped"]

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()  # type: ignore[arg-type]

    def entries(self) -> list[tuple[Any, ...]]:
        rows = self.fetch("select id, amount_nano, account_id from raw_advert_market.ledger_entries order by id")
        return [(key.int, amount, account) for key, amount, account in rows]

    def quarantine(self) -> list[tuple[Any, ...]]:
        return self.fetch("select line, outcome, rule from ingest.quarantine order by load_id, line")


def counts(load: Load) -> tuple[int, int, int, int, int]:
    return load.rows_read, load.rows_accepted, load.rows_duplicate, load.rows_conflict, load.rows_rejected


LEDGER = "advert_market.ledger_entries"
