"""Two engines, one answer: every mart that Postgres builds, DuckDB builds from the lake, to the last digit.

Rows are compared as canonical text: a number without trailing zeros, an instant in UTC, JSON with its keys sorted.
"""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from psycopg.types.json import set_json_loads

from dagster_project import environment
from dagster_project.commands.lake import build_copy, copy_file
from dagster_project.dbt_runner import invoke
from ingest.contract import System
from ingest.errors import TallyError
from ingest.lake import refresh_lake, turn_at_lake
from ingest.landing import find_files
from ingest.load import load_files
from ingest.sample import write_sample
from ingest.settings import Settings
from tests.conftest import _fresh, judge

DAYS = 6  # every kind of delivery: history, days, late rows, re-sent files
MARTS = "select table_name from information_schema.tables where table_schema = 'marts' order by 1"


@dataclass(frozen=True)
class Mart:
    """One mart as an engine built it: its columns, and how often it has each row."""

    columns: tuple[str, ...]
    rows: Counter[str]

    def checksum(self) -> str:
        """The number of rows and a digest of them, whatever their order."""
        digest = hashlib.sha256("\n".join(sorted(self.rows.elements())).encode()).hexdigest()
        return f"{self.rows.total()} {digest[:16]}"


@dataclass
class Engines:
    """A warehouse in Postgres, whose marts any build adds to, and its lake."""

    settings: Settings
    systems: tuple[System, ...]
    connection: psycopg.Connection

    def load(self, landing: Path, days: Callable[[date], bool] = lambda day: True) -> None:
        files = [file for file in find_files(landing, self.systems) if days(file.delivered_on)]
        load_files(self.connection, self.systems, files)
        judge(self.connection)
        self.connection.commit()

    def dbt(self, *words: str) -> Any:
        return invoke(words)

    def build(self) -> None:
        """Build the marts in Postgres, with nothing held back."""
        assert self.dbt("build", "--exclude-resource-types", "test", "unit_test").success

    def copy(self) -> Path:
        with turn_at_lake(self.settings) as lake:
            refresh_lake(self.settings, self.systems, lake)
            build_copy(self.settings, lake)
        return copy_file(self.settings)

    def in_postgres(self) -> dict[str, Mart]:
        set_json_loads(exact_json, self.connection)
        marts = self.connection.execute(MARTS).fetchall()
        found = {name: self.connection.execute(f"select * from marts.{name}") for (name,) in marts}  # type: ignore[arg-type]
        return {name: mart([column.name for column in rows.description or ()], rows) for name, rows in found.items()}

    def in_duckdb(self) -> dict[str, Mart]:
        with duckdb.connect(copy_file(self.settings), read_only=True) as copy:
            copy.execute("set timezone = 'UTC'")
            return {name: self._mart(copy, name) for (name,) in copy.execute(MARTS).fetchall()}

    @staticmethod
    def _mart(copy: duckdb.DuckDBPyConnection, name: str) -> Mart:
        found = copy.execute(f"select * from marts.{name}")
        columns = [(column[0], str(column[1])) for column in found.description or ()]
        rows = (
            [
                exact_json(value) if kind == "JSON" and value else value
                for value, (_, kind) in zip(row, columns, strict=True)
            ]
            for row in found.fetchall()
        )
        return mart([column for column, _ in columns], rows)


def exact_json(text: str | bytes) -> Any:
    return json.loads(text, parse_float=Decimal)


def mart(names: list[str], rows: Iterable[Iterable[Any]]) -> Mart:
    # A row that comes again and says the same keeps the time at which it was loaded first; a whole build has the last.
    order = sorted((place for place, name in enumerate(names) if name != "loaded_at"), key=names.__getitem__)
    texts = (
        json.dumps([canonical(values[index]) for index in order], ensure_ascii=False, sort_keys=True)
        for values in map(list, rows)
    )
    return Mart(tuple(sorted(names)), Counter(texts))


def canonical(value: Any) -> Any:
    """The value as JSON that is the same whichever driver brought it."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | Decimal):
        text = str(value) if isinstance(value, int) else f"{value:f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return {"number": "0" if text == "-0" else text}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, dict):
        return {"object": {key: canonical(each) for key, each in value.items()}}
    if isinstance(value, list):
        return [canonical(each) for each in value]
    return str(value)


def differences(postgres: dict[str, Mart], copy: dict[str, Mart]) -> str:
    """A paragraph for each mart that is not the same, with the first rows that one engine has alone; empty if none."""
    found = [f"{name}: only one engine has it" for name in sorted(postgres.keys() ^ copy.keys())]
    for name in sorted(postgres.keys() & copy.keys()):
        ours, theirs = postgres[name], copy[name]
        if ours.columns != theirs.columns:
            found.append(f"{name}: columns {sorted(set(ours.columns) ^ set(theirs.columns))}")
        elif ours.checksum() != theirs.checksum():
            alone = [f"  Postgres {row}" for row in sorted((ours.rows - theirs.rows).elements())[:3]]
            alone += [f"  DuckDB   {row}" for row in sorted((theirs.rows - ours.rows).elements())[:3]]
            found.append(
                "\n".join([f"{name}: {ours.checksum()} and {theirs.checksum()}, {', '.join(ours.columns)}", *alone])
            )
    return "\n".join(found)


@contextmanager
def running(database: str, home: Path, systems: tuple[System, ...]) -> Iterator[Engines]:
    settings = replace(Settings.from_environment({"TALLY_HOME": str(home)}), database_url=database)
    with pytest.MonkeyPatch.context() as patch, psycopg.connect(database, options="-c timezone=UTC") as connection:
        for name, value in environment.dbt_environment(settings).items():
            patch.setenv(name, value)
        patch.setenv("TALLY_DUCKDB", "")  # which building a copy sets
        yield Engines(settings, systems, connection)


@pytest.fixture
def engines(database: str, tmp_path: Path, systems: tuple[System, ...]) -> Iterator[Engines]:
    """Both engines, with nothing loaded."""
    with running(database, tmp_path / "home", systems) as found:
        yield found


@pytest.fixture(scope="module")
def clean(
    server_conninfo: str, template: str, systems: tuple[System, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engines]:
    """The clean sample, built on both engines; shared, so leave it as it is."""
    folder = tmp_path_factory.mktemp("clean")
    write_sample(folder / "landing", systems, days=DAYS)
    for database in _fresh(server_conninfo, template):
        with running(database, folder / "home", systems) as found:
            found.load(folder / "landing")
            found.build()
            found.copy()
            yield found


def test_both_engines_build_the_same_marts(clean: Engines) -> None:
    postgres, copy = clean.in_postgres(), clean.in_duckdb()

    assert differences(postgres, copy) == ""
    assert len(postgres) > 20
    assert postgres["leaderboards"].rows


def test_what_postgres_adds_by_and_by_duckdb_builds_at_once(engines: Engines, tmp_path: Path) -> None:
    """With planted faults: broken rows are the ones on which two engines would part."""
    landing = tmp_path / "landing"
    write_sample(landing, engines.systems, days=DAYS, faults=True)
    *_, last_but_one, _last = sorted({file.delivered_on for file in find_files(landing, engines.systems)})
    engines.load(landing, lambda day: day < last_but_one)
    engines.build()
    engines.load(landing, lambda day: day >= last_but_one)
    engines.build()
    engines.copy()
    postgres, copy = engines.in_postgres(), engines.in_duckdb()

    assert differences(postgres, copy) == ""
    assert postgres["reconciliation_breaks"].rows


def test_an_empty_warehouse_has_every_mart_in_both_engines(engines: Engines) -> None:
    engines.build()
    engines.copy()

    assert differences(engines.in_postgres(), engines.in_duckdb()) == ""


def test_the_data_tests_and_unit_tests_of_the_models_pass_in_duckdb(
    clean: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLY_DUCKDB", str(copy_file(clean.settings)))
    tests = clean.dbt("test", "--target", "duckdb", "--target-path", str(tmp_path / "target"))

    failed = {run.node.name: run.message for run in tests.result.results if run.status not in ("pass", "success")}
    assert failed == {}
    assert len(tests.result.results) > 100


def test_a_model_that_does_not_build_is_named_and_the_old_copy_stays(clean: Engines, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(copy_file(clean.settings).parent, lake)
    (lake / "hermes" / "users" / "users.parquet").unlink()
    before = copy_file(clean.settings).read_bytes()

    with pytest.raises(TallyError, match="could not be built in DuckDB: dbt model stg_hermes__users"):
        build_copy(clean.settings, lake)
    assert copy_file(clean.settings).read_bytes() == before
