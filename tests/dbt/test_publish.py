"""Publishing: fifty times in a row, and whoever reads meanwhile sees all marts of one build each time, and no error."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
import pytest

from ingest.contract import System
from ingest.settings import Settings
from tests.dbt.builds import Builds, builder

ROUNDS = 50
WHOLE_EVERY = 5  # every so many rounds all marts are replaced, not changed
# The value of a key's column in a row that tells of a round.
VALUES = {
    "text": "'round {0}'",
    "date": "date '2000-01-01' + {0}",
    "timestamp with time zone": "timestamptz '2000-01-01T00:00Z' + {0} * interval '1 day'",
    "bigint": "{0}",
    "integer": "{0}",
}
KEYS = """
    select c.relname, array_agg(array[a.attname, format_type(a.atttypid, null)]::text[])
    from pg_index as i
    join pg_class as c on c.oid = i.indrelid
    join pg_attribute as a on a.attrelid = c.oid and a.attnum = any(i.indkey)
    where c.relnamespace = 'marts'::regnamespace and i.indisprimary
    group by 1
    order by 1
"""


class Rounds:
    """Marts without a row; each round brings every one of them two, and takes one of the round before away."""

    def __init__(self, builds: Builds) -> None:
        self.builds = builds
        self.keys: dict[str, list[list[str]]] = dict(builds.fetch(KEYS))
        self.changing = self.statements(0)
        self.replacing = self.statements(WHOLE_EVERY)

    def statements(self, number: int) -> str:
        """How dbt would publish what a round has built."""
        with psycopg.connect(self.builds.database) as connection:
            self.build(connection, number)
        compiled = self.builds.dbt("compile", "--inline", "{% if execute %}{{ _publication(_replaced()) }}{% endif %}")
        with psycopg.connect(self.builds.database) as connection:
            for (table,) in connection.execute(
                "select relname from pg_class where relnamespace = 'building'::regnamespace and relkind = 'r'"
                " and relname ~ '__(new|gone|whole)$'"
            ).fetchall():
                connection.execute(f"drop table building.{table}".encode())
        return str(compiled.result.results[0].node.compiled_code)

    def build(self, connection: psycopg.Connection, number: int) -> None:
        """What the models would leave to be published."""
        is_whole = number % WHOLE_EVERY == 0 and number > 0
        for mart, key in self.keys.items():
            new, gone = (f"building.{mart}__{part}" for part in ("whole" if is_whole else "new", "gone"))
            old = self.row(key, 2 * (number - 1))
            if is_whole:
                connection.execute(f"create table {new} (like marts.{mart} including all)".encode())
                connection.execute(f"insert into {new} select * from marts.{mart}".encode())
                connection.execute(f"delete from {new} where ({self.names(key)}) = ({old})".encode())
            else:
                connection.execute(f"create table {new} as select * from marts.{mart} limit 0".encode())
                connection.execute(f"create table {gone} as select {self.names(key)} from {new}".encode())
                connection.execute(f"insert into {gone} values ({old})".encode())
            for row in (2 * number, 2 * number + 1):
                connection.execute(f"insert into {new} ({self.names(key)}) values ({self.row(key, row)})".encode())

    def publish(self, number: int, changing: str, replacing: str) -> None:
        with psycopg.connect(self.builds.database) as connection:
            self.build(connection, number)
            connection.commit()
            connection.execute((changing if number % WHOLE_EVERY else replacing).encode())

    @staticmethod
    def names(key: Sequence[Sequence[str]]) -> str:
        return ", ".join(name for name, _ in key)

    @staticmethod
    def row(key: Sequence[Sequence[str]], number: int) -> str:
        return ", ".join(VALUES[kind].format(number) for _, kind in key)

    @contextmanager
    def read(self) -> Iterator[list[str]]:
        """What two readers meet that they should not, while the context lasts: one goes through the marts backwards."""
        problems: list[str] = []
        seen: set[int] = set()
        stop = threading.Event()

        def look(marts: Sequence[str]) -> None:
            counts = "select " + ", ".join(f"(select count(*) from marts.{mart})" for mart in marts)
            with psycopg.connect(self.builds.database, autocommit=True) as connection:
                while not stop.is_set():
                    try:
                        found = set(connection.execute(counts.encode()).fetchall()[0])
                    except psycopg.Error as error:
                        problems.append(str(error))
                        return
                    seen.update(found)
                    if len(found) > 1:
                        problems.append(f"marts of {len(found)} builds: {sorted(found)}")

        readers = [
            threading.Thread(target=look, args=(marts,)) for marts in (sorted(self.keys), sorted(self.keys)[::-1])
        ]
        for reader in readers:
            reader.start()
        try:
            yield problems
        finally:
            stop.set()
            for reader in readers:
                reader.join()
        assert len(seen) > ROUNDS // 2, "the readers slept"


@pytest.fixture
def rounds(settings: Settings, database: str, systems: tuple[System, ...], monkeypatch: pytest.MonkeyPatch) -> Rounds:
    builds = builder(settings, database, systems, monkeypatch.setenv)
    builds.build()
    assert {count for count, _ in builds.checksums().values()} == {0}
    return Rounds(builds)


def test_fifty_builds_are_published_under_the_eyes_of_readers(rounds: Rounds) -> None:
    with rounds.read() as problems:
        for number in range(1, ROUNDS + 1):
            rounds.publish(number, rounds.changing, rounds.replacing)

    assert problems == []
    assert {count for count, _ in rounds.builds.checksums().values()} == {ROUNDS + 1}


def test_the_readers_would_notice_marts_that_are_published_one_by_one(rounds: Rounds) -> None:
    one_by_one = (
        statements.replace("drop table building", "commit; begin; drop table building")
        for statements in (rounds.changing, rounds.replacing)
    )
    changing, replacing = one_by_one
    with rounds.read() as problems:
        for number in range(1, ROUNDS + 1):
            rounds.publish(number, changing, replacing)

    assert any(problem.startswith("marts of") for problem in problems)
