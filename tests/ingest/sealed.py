"""A warehouse whose rows are sealed, and somebody who changes them behind Tally's back."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ingest.contract import Table
from ingest.seal import Sealing, seal
from ingest.seal_file import Archived, SealFile
from ingest.seal_rows import sealable
from ingest.seal_verify import Finding, Verification, verify
from tests.ingest.zone import LEDGER, Zone, entry, ndjson

APRIL, MAY, JUNE = "2026-04-30T23:59:59.999999Z", "2026-05-10T12:00:00Z", "2026-06-01T00:00:00Z"
LEDGER_TABLE = f"raw_{LEDGER}"


@dataclass
class Vault:
    """A landing zone, its warehouse, and the seal file."""

    zone: Zone
    file: SealFile

    def deliver(self, *rows: dict[str, Any], table: str = LEDGER, name: str = "part.ndjson") -> None:
        self.zone.deliver(table, ndjson(*rows), name=name)
        self.zone.load()

    def seal(self, *archived: Archived) -> Sealing:
        self.zone.connection.commit()
        return seal(self.zone.connection, self.zone.systems, self.file, archived)

    def verify(self, keys_shown: int = 10) -> Verification:
        self.zone.connection.commit()
        return verify(self.zone.connection, self.zone.systems, self.file, keys_shown)

    def findings(self) -> list[tuple[Any, ...]]:
        """What is found, in short: what, table, month, rows, and the numbers of the keys."""
        return [shortened(finding) for finding in self.verify().findings]

    def tamper(self, *statements: str) -> int:
        """Change what is there as a superuser can, with triggers and foreign keys off; rows changed by the last."""
        connection = self.zone.connection
        connection.commit()
        changed = 0
        with connection.transaction():
            connection.execute("set local session_replication_role = replica")
            for statement in statements:
                changed = connection.execute(statement.encode()).rowcount
        assert changed, "nothing was there to tamper with"
        return changed

    def table(self, name: str) -> Table:
        return next(table for table in sealable(self.zone.systems) if f"{table.system}.{table.name}" == name)


def shortened(finding: Finding) -> tuple[Any, ...]:
    keys = [number(value) for key in finding.keys for value in key.values()]
    return finding.what, finding.table, finding.month, finding.rows, keys


def number(key: str) -> Any:
    try:
        return UUID(key).int
    except ValueError:
        return key


def key(of: int) -> str:
    return f"'{UUID(int=of)}'"


def ledger(*numbers: int, at: str = MAY, **changes: Any) -> list[dict[str, Any]]:
    """Entries of the ledger, each with an amount of its own."""
    return [entry(n, created_at=at, amount_nano=n, **changes) for n in numbers]


def evidence(of: int, content: object = "she said so") -> dict[str, Any]:
    """Evidence of advert_market: an append table without partitions, whose content is personal and required."""
    return {
        "id": str(UUID(int=of)),
        "deal_id": str(UUID(int=2)),
        "submitted_by": 7,
        "evidence_type": "TEXT",
        "content": {"text": content},
        "content_hash": "a" * 64,
        "created_at": MAY,
    }


def activity(of: int, **changes: Any) -> dict[str, Any]:
    """Activity of synapse: partitioned, with metadata that is personal and may be null."""
    return {
        "id": of,
        "user_id": 1,
        "event_type": "MESSAGE",
        "xp_delta": of,
        "star_delta": 0,
        "timestamp": MAY,
        "metadata": {"said": "hi"},
    } | changes
