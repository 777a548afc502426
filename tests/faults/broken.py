"""Loaders broken on purpose, as patches of a loader's process: each breaks one promise, and the harness must see it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import psycopg

from tests.faults.steps import replace_attribute


def _commits_in_the_middle_of_a_file(merge: Any) -> Any:
    def broken(connection: psycopg.Connection, *arguments: Any) -> Any:
        verdicts = merge(connection, *arguments)
        connection.execute("commit")
        connection.execute("begin")
        return verdicts

    return broken


def _writes_the_manifest_row_in_its_own_transaction(begin: Any) -> Any:
    def broken(connection: psycopg.Connection, *arguments: Any) -> Any:
        with psycopg.connect(connection.info.dsn) as other:
            return begin(other, *arguments)

    return broken


def _takes_no_lock(execute: Any) -> Any:
    def broken(connection: psycopg.Connection, query: Any, *arguments: Any, **named: Any) -> Any:
        if "pg_advisory_xact_lock(hashtextextended" in str(query):
            return None
        return execute(connection, query, *arguments, **named)

    return broken


def _takes_a_conflict_for_a_duplicate(merge: Any) -> Any:
    def broken(*arguments: Any) -> Any:
        verdicts = merge(*arguments)
        verdicts.duplicates += len(verdicts.conflicts)
        verdicts.conflicts.clear()
        return verdicts

    return broken


def _lets_the_last_file_win(merge: Any) -> Any:
    def broken(connection: psycopg.Connection, table: Any, file: Any, load_id: int) -> Any:
        return merge(connection, table, replace(file, delivered_on=date.max), load_id)

    return broken


def _forgets_what_it_refused(_: Any) -> Any:
    return lambda *arguments: None


def _registers_no_keys(_: Any) -> Any:
    def broken(connection: psycopg.Connection, *_: Any) -> int:
        return int(connection.execute("select count(*) from arriving").fetchall()[0][0])

    return broken


# What is broken → the module and attribute that the patch goes into.
BROKEN: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "commits in the middle of a file": ("ingest.load", "merge", _commits_in_the_middle_of_a_file),
    "writes the manifest row in its own transaction": (
        "ingest.load",
        "_begin",
        _writes_the_manifest_row_in_its_own_transaction,
    ),
    "takes no lock": ("psycopg", "Connection.execute", _takes_no_lock),
    "takes a conflict for a duplicate": ("ingest.load", "merge", _takes_a_conflict_for_a_duplicate),
    "lets the last file win": ("ingest.load", "merge", _lets_the_last_file_win),
    "registers no keys": ("ingest.merge", "register_all", _registers_no_keys),
    "forgets what it refused": ("ingest.load", "_quarantine", _forgets_what_it_refused),
}


def break_loader(name: str) -> None:
    module, attribute, wrap = BROKEN[name]
    replace_attribute(module, attribute, wrap)
