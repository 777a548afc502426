"""A landing zone in an object store through the commands and the schedule: what they print, and how they end."""

from collections.abc import Iterable
from typing import Any

import dagster as dg
import pytest

import ingest.object_store
from dagster_project.progress import Progress
from dagster_project.raw import ALL_DATES_TAG, asset_key, raw_assets
from dagster_project.resources import Warehouse as WarehouseResource
from ingest.arrivals import NEWEST_FOLDERS
from ingest.contract import System
from tests.conftest import Warehouse
from tests.places import SECRET, TOKEN, Bucket


@pytest.fixture
def stored(warehouse: Warehouse, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """The warehouse, its landing zone in the bucket."""
    monkeypatch.setenv("TALLY_LANDING", str(bucket.landing))
    monkeypatch.setenv("TALLY_S3_ENDPOINT", bucket.server.url)
    return warehouse


def deliver(bucket: Bucket, day: str, name: str = "a.ndjson") -> None:
    bucket.put(f"hermes/localization_keys/date={day}/{name}", f"broken on {day} in {name}\n".encode())


def test_load_and_status_tell_of_a_bucket_by_its_url(stored: Warehouse, bucket: Bucket) -> None:
    url = str(bucket.landing)
    assert f"There is nothing to load in {url}." in stored.tally("load")[1]
    deliver(bucket, "2026-06-01")
    code, out, err = stored.tally("load")

    assert (code, err) == (0, "")
    assert out.splitlines()[-1].split() == ["hermes", "localization_keys", "1", "0", "0", "1", "0", "0", "0", "1"]
    assert "nothing new" in stored.tally("load")[1]
    code, out, err = stored.tally("status")
    assert (code, err) == (0, "")
    assert f"Landing zone: {url}\n" in out
    assert SECRET not in out
    assert TOKEN not in out


def test_a_folder_of_the_bucket_that_nobody_described_is_told_of_and_exits_1(stored: Warehouse, bucket: Bucket) -> None:
    bucket.put("hermes/markts/date=2026-06-01/a.ndjson", b"")
    code, _, err = stored.tally("load")

    assert code == 1
    assert "hermes/markts: no contract describes this" in err


def test_old_dates_are_looked_into_when_it_is_asked_for(stored: Warehouse, bucket: Bucket) -> None:
    for day in range(1, NEWEST_FOLDERS + 3):
        deliver(bucket, f"2026-06-{day:02}")
    stored.tally("load")
    deliver(bucket, "2026-06-01", "straggler.ndjson")
    count = "select count(*) from ingest.loads where path like '%straggler%'"

    assert stored.tally("load")[0] == 0
    assert stored.fetch(count) == [(0,)]
    assert stored.tally("load", "--all-dates")[0] == 0
    assert stored.fetch(count) == [(1,)]
    deliver(bucket, "2026-06-02", "straggler-too.ndjson")
    assert stored.tally("load", "--date", "2026-06-02")[0] == 0
    assert stored.fetch(count) == [(2,)]


def test_a_run_looks_into_old_dates_when_it_is_tagged_so(
    stored: Warehouse, bucket: Bucket, systems: tuple[System, ...]
) -> None:
    for day in range(1, NEWEST_FOLDERS + 3):
        deliver(bucket, f"2026-06-{day:02}")
    stored.tally("load")
    deliver(bucket, "2026-06-01", "straggler.ndjson")
    (hermes,) = (system for system in systems if system.name == "hermes")

    def files_loaded(**tags: str) -> object:
        resources = {"warehouse": WarehouseResource(), "progress": Progress()}
        done = dg.materialize([raw_assets(hermes)], resources=resources, tags=tags)
        key = asset_key("hermes", "localization_keys")
        (event,) = (e for e in done.asset_materializations_for_node("load_hermes") if e.asset_key == key)
        return event.metadata["files_loaded"].value

    assert files_loaded() == 0
    assert files_loaded(**{ALL_DATES_TAG: "true"}) == 1


def test_a_store_that_goes_away_during_a_run_exits_3(
    stored: Warehouse, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ingest.object_store._RETRIES, "max_retries", 0)

    def going_away(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if len(bucket.server.requests) == 1:
            return bucket.server.app(environ, start)
        start("503 Service Unavailable", [("Content-Length", "0")])
        return [b""]

    bucket.server.requests.clear()
    bucket.server.answers = going_away
    code, _, err = stored.tally("run")

    assert code == 3
    assert err.startswith(f"The landing zone {bucket.landing} at {bucket.server.url} does not answer (503 Service")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"TALLY_LANDING": "s3://nowhere/prefix"}, 2, "There is no bucket for s3://nowhere/prefix"),
        ({"AWS_ACCESS_KEY_ID": ""}, 2, "There are no credentials for s3://"),
        ({"TALLY_S3_ENDPOINT": "http://127.0.0.1:1"}, 3, "at http://127.0.0.1:1 does not answer (Connection refused)"),
        ({"TALLY_S3_ENDPOINT": "127.0.0.1:1"}, 2, "TALLY_S3_ENDPOINT must be a bare URL"),
    ],
)
def test_a_store_that_cannot_be_used_is_one_sentence(
    stored: Warehouse, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], code: int, words: str
) -> None:
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    for command in ("load", "run"):
        done, _, err = stored.tally(command)

        assert done == code
        assert words in err
        assert len(err.splitlines()) == 1
        assert SECRET not in err


def test_the_sample_is_not_written_to_a_bucket(stored: Warehouse, bucket: Bucket) -> None:
    bucket.server.requests.clear()
    code, _, err = stored.tally("demo")

    assert code == 2
    assert err == f"The sample is written to a folder only, and TALLY_LANDING is {bucket.landing}; unset it.\n"
    assert bucket.server.requests == []
