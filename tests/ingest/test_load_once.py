"""Two loaders at once in one database. What happens to killed and cut-off ones is in tests/faults."""

import gzip
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from ingest.landing import find_files
from ingest.load import Load, load_files
from tests.ingest.zone import LEDGER, Zone, counts, entry, ndjson


def load(connection: psycopg.Connection, zone: Zone) -> list[Load]:
    return load_files(connection, zone.systems, find_files(zone.root, zone.systems))


def load_beside(database: str, zone: Zone) -> tuple[Load, Load]:
    """What two loaders say of one file that both began to load before either had committed."""
    with (
        psycopg.connect(database, options="-c timezone=UTC") as first,
        psycopg.connect(database, options="-c timezone=UTC") as second,
        ThreadPoolExecutor(1) as beside,
    ):
        first.execute("select 1")  # a transaction of our own, so that the load is not over when it returns
        (of_first,) = load(first, zone)
        of_second = beside.submit(load, second, zone)
        waiting = "select count(*) from pg_locks where not granted and pid = %s"
        while not of_second.done() and zone.connection.execute(waiting, (second.info.backend_pid,)).fetchall() == [
            (0,)
        ]:
            time.sleep(0.01)
        first.commit()
        return of_first, of_second.result()[0]


def test_the_loader_that_comes_second_waits_and_finds_the_file_known(database: str, zone: Zone) -> None:
    zone.deliver(LEDGER, ndjson(entry(1), entry(2)))
    first, second = load_beside(database, zone)

    assert (first.status, counts(first)) == ("loaded", (2, 2, 0, 0, 0))
    assert (second.status, counts(second)) == ("skipped", (0, 0, 0, 0, 0))
    assert len(zone.entries()) == 2


def test_a_load_waits_while_marts_are_built(database: str, zone: Zone) -> None:
    zone.deliver(LEDGER, ndjson(entry(1)))
    building = "hashtextextended('tally build', 0)"
    with psycopg.connect(database, autocommit=True) as builder, ThreadPoolExecutor() as pool:
        builder.execute(f"select pg_advisory_lock({building})".encode())
        loader = psycopg.connect(database, options="-c timezone=UTC")
        loading = pool.submit(load, loader, zone)
        waiting = "select from pg_locks where locktype = 'advisory' and not granted and pid = %s"
        while not builder.execute(waiting, (loader.info.backend_pid,)).fetchall():
            assert not loading.done()
            time.sleep(0.01)
        assert builder.execute("select count(*) from ingest.loads").fetchall() == [(0,)]
        builder.execute(f"select pg_advisory_unlock({building})".encode())
        assert [outcome.status for outcome in loading.result()] == ["loaded"]
        loader.close()


def test_a_new_month_shows_together_with_its_manifest_row(database: str, zone: Zone) -> None:
    # Postgres lets others see a commit before it tells them of the partition that came with it. Who is not kept
    # waiting until it has told them reads the manifest row of the file and none of its rows.
    zone.deliver(LEDGER, ndjson(entry(1)))
    with (
        psycopg.connect(database, options="-c timezone=UTC") as loader,
        psycopg.connect(database, options="-c lock_timeout=100ms") as reader,
    ):
        loader.execute("select 1")  # a transaction of our own: this is the moment before the commit
        load(loader, zone)

        with pytest.raises(psycopg.errors.LockNotAvailable):
            reader.execute("select count(*) from raw_advert_market.ledger_entries")


def test_two_loaders_may_refuse_the_same_file(database: str, zone: Zone) -> None:
    zone.deliver(LEDGER, gzip.compress(ndjson(entry(1)))[:-4], name="part.ndjson.gz")
    first, second = load_beside(database, zone)

    assert (first.status, second.status) == ("failed", "failed")
    assert zone.fetch("select status, count(*) from ingest.loads group by status") == [("failed", 1)]
