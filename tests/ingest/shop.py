"""A small system of one table for each way of loading, whose contract can be mended: `Shop` says what it allows."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import yaml

from ingest.contract import System, read_contract
from ingest.quarantine import Selection
from ingest.replay import Replay, replay_rows
from ingest.schema import ensure_schemas
from ingest.versions import versions_of
from tests.ingest.zone import Zone

MODES = {"sales": "append", "notes": "append", "people": "upsert", "labels": "upsert", "prices": "replace"}
BY_MONTH = {"partitionInterval": "month", "saneWindow": {"from": "2000-01-01", "daysAfterDelivery": 31}}


@dataclass(frozen=True)
class Shop:
    """What the contract says of its tables; of these `sales` is partitioned and `people` has a clock of its own."""

    key: str = "text"
    kinds: tuple[str, ...] = ("small", "large")
    amount: str = "integer"
    minimum: int | None = 0
    title: str = "varchar(8)"
    required: bool = True
    surprise: str | None = None
    history: tuple[str, ...] = ()

    def system(self, folder: Path) -> System:
        document = {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": "tally.shop",
            "name": "shop",
            "version": "1.0.0",
            "status": "active",
            "schema": [self.table(name) for name in MODES],
        }
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "shop.odcs.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        return read_contract(path)

    def table(self, name: str) -> dict[str, Any]:
        own: dict[str, Any] = {"loadMode": MODES[name], **(BY_MONTH if name == "sales" else {})}
        if self.history and MODES[name] == "upsert":
            own["history"] = list(self.history)
        listed = {"type": "library", "metric": "invalidValues", "arguments": {"validValues": list(self.kinds)}}
        columns = [
            column("id", "string", self.key, required=True, primaryKey=True, primaryKeyPosition=1),
            column("kind", "string", "text", **({"quality": [listed | {"mustBe": 0}]} if self.kinds else {})),
            column("amount", "integer", self.amount),
            column("title", "string", self.title),
            column("tags", "array", "text[]"),
            column("payload", "object", "jsonb"),
            column("at", "timestamp", "timestamptz", required=self.required or name == "sales"),
        ]
        if self.minimum is not None:
            columns[2]["logicalTypeOptions"] = {"minimum": self.minimum}
        if name == "sales":
            columns[-1] |= {"partitioned": True, "partitionKeyPosition": 1}
        if name == "people":
            columns.append(column("updated_at", "timestamp", "timestamptz"))
        if self.surprise:
            columns.append(column("surprise", "number", "numeric", required=self.surprise == "required"))
        properties = [{"property": key, "value": value} for key, value in own.items()]
        return {"name": name, "customProperties": properties, "properties": columns}


def column(name: str, logical: str, physical: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "logicalType": logical, "physicalType": physical} | more


MENDED = Shop("text", ("small", "large", "huge"), "bigint", -10, "text", required=False, surprise="new")


def row(key: object, **changes: Any) -> dict[str, Any]:
    """A row that fits from the start."""
    return {
        "id": str(key),
        "kind": "small",
        "amount": 5,
        "title": "plain",
        "tags": ["x", 'a "b", c'],
        "payload": {"n": 0.1, "deep": [1, {"s": "é\n"}]},
        "at": "2026-05-31T23:59:59.999999Z",
    } | changes


@dataclass
class Store:
    """A warehouse of the shop and its landing zone."""

    zone: Zone
    folder: Path

    @property
    def connection(self) -> psycopg.Connection:
        return self.zone.connection

    def agree(self, shop: Shop) -> list[str]:
        """Let the contract be this one; what was widened for it."""
        system = shop.system(self.folder)
        self.zone.systems = (system,)
        widened = ensure_schemas(self.connection, [system])
        self.connection.commit()
        return widened

    def replay(self, **selection: Any) -> list[Replay]:
        self.connection.commit()
        done = replay_rows(self.connection, self.zone.systems, Selection(**selection))
        self.connection.commit()
        return done

    def empty(self, shop: Shop) -> None:
        """Start over under this contract, with nothing delivered."""
        self.connection.execute("drop schema if exists raw_shop, keys_shop, seals_shop cascade")
        self.connection.execute("delete from ingest.quarantine")
        self.connection.execute("delete from ingest.loads")
        self.connection.execute("alter table ingest.loads alter column load_id restart")
        self.connection.commit()
        shutil.rmtree(self.zone.root, ignore_errors=True)
        self.agree(shop)

    def counts(self, tables: list[str]) -> list[tuple[int, ...]]:
        rows = self.connection.execute(
            "select load_id, rows_read, rows_accepted, rows_duplicate, rows_conflict, rows_rejected"
            " from ingest.loads where table_name = any(%s) order by load_id",
            (tables,),
        )
        return rows.fetchall()

    def tables(self) -> dict[str, list[str]]:
        """Every row of every table as JSON, sorted, without the instants and the ids that loading gives."""
        held = {f"raw_shop.{name}": f"select to_jsonb(t)::text from raw_shop.{name} t order by 1" for name in MODES}
        held["loads"] = (
            "select (to_jsonb(t) - array['started_at', 'loaded_at', 'replayed_at'])::text"
            " from ingest.loads t order by 1"
        )
        held["quarantine"] = (
            "select (to_jsonb(t) - array['quarantine_id', 'quarantined_at'])::text from ingest.quarantine t order by 1"
        )
        held["keys"] = "select id from keys_shop.sales union all select id from keys_shop.notes order by 1"
        held |= {
            f"{table.schema}.{table.name}": f"select to_jsonb(t)::text from {table.schema}.{table.name} t order by 1"
            for system in self.zone.systems
            for described in system.tables
            if (table := versions_of(described))
        }
        found = {name: [text for (text,) in self.zone.fetch(query)] for name, query in held.items()}
        self.connection.commit()  # else it would go on reading, and stand in the way of whoever alters a table
        return found


@contextmanager
def opened(database: str, folder: Path, landing: Path) -> Iterator[Store]:
    with psycopg.connect(database, options="-c timezone=UTC") as connection:
        yield Store(Zone(landing, connection, ()), folder)
