"""Rows that name somebody who is not there: told as far as such rows were ever delivered."""

import json
from pathlib import Path

import psycopg

from expectations.references import references_rule
from expectations.rule import whole
from ingest.contract import System
from ingest.landing import find_files
from ingest.load import load_files

ADA, BOB = ("00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b")


def deliver(landing: Path, table: str, row: dict[str, object]) -> None:
    folder = landing / "funpot" / table / "date=2026-06-01"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "part.ndjson").write_text(json.dumps(row) + "\n")


def orphans(connection: psycopg.Connection, landing: Path, systems: tuple[System, ...]) -> list[str]:
    """What funpot's rule reports once everything delivered is loaded."""
    load_files(connection, systems, find_files(landing, systems))
    [rule] = [references_rule(system) for system in systems if system.name == "funpot"]
    assert rule
    query = f"select subject from ({whole(rule.query)}) as breaking order by 1"
    return [subject for (subject,) in connection.execute(query.encode())]


def test_a_row_is_an_orphan_only_when_its_parents_table_was_delivered(
    connection: psycopg.Connection, systems: tuple[System, ...], tmp_path: Path
) -> None:
    wallet = {"user_id": ADA, "balance_int": 1, "updated_at": "2026-06-01T00:00:00Z"}
    deliver(tmp_path, "wallet_accounts", wallet)
    assert orphans(connection, tmp_path, systems) == []

    user = {"id": BOB, "tg_user_id": 1, "nickname": "bob", "roles": [], "created_at": "2026-06-01T00:00:00Z"}
    deliver(tmp_path, "users", user)
    assert orphans(connection, tmp_path, systems) == [f"wallet_accounts.user_id {ADA}"]
