"""What is found in a landing zone, be it a folder or a bucket: whose it is, in which order, and what is a stranger."""

from datetime import date

import pytest

from ingest.contract import System
from ingest.errors import ConfigurationError, UnreadableFileError
from ingest.landing import fetched, find_files, find_strangers
from tests.places import Bucket, Place


def found(place: Place, systems: tuple[System, ...], **choice: object) -> list[str]:
    return [file.relative for file in find_files(place.landing, systems, **choice)]  # type: ignore[arg-type]


def test_an_empty_zone_holds_nothing(place: Place, systems: tuple[System, ...]) -> None:
    assert found(place, systems) == []
    assert find_strangers(place.landing, systems) == []


def test_files_come_parents_first_then_by_day_and_name(place: Place, systems: tuple[System, ...]) -> None:
    paths = [
        "hermes/sessions/date=2026-06-02/a.ndjson",
        "funpot/votes/date=2026-06-10/a.ndjson",
        "funpot/votes/date=2026-06-09/b.csv",
        "funpot/votes/date=2026-06-09/a.parquet",
        "funpot/users/date=2026-06-11/Z.ndjson.gz",
        "funpot/users/date=2026-06-11/a.ndjson.zst",
    ]
    for path in paths:
        place.put(path, b"")

    assert found(place, systems) == [paths[4], paths[5], paths[3], paths[2], paths[1], paths[0]]
    assert found(place, systems, system="hermes") == paths[:1]
    assert found(place, systems, table="users") == paths[4:]
    assert found(place, systems, delivered_on=date(2026, 6, 9)) == [paths[3], paths[2]]
    file = find_files(place.landing, systems, system="hermes")[0]
    assert (file.system, file.table, file.delivered_on, file.format) == (
        "hermes",
        "sessions",
        date(2026, 6, 2),
        "ndjson",
    )


def test_an_unknown_system_is_named_with_the_known_ones(place: Place, systems: tuple[System, ...]) -> None:
    with pytest.raises(ConfigurationError, match="no system funpott; known are advert_market, funpot"):
        find_files(place.landing, systems, system="funpott")


def test_what_is_still_being_written_is_left_alone(place: Place, systems: tuple[System, ...]) -> None:
    place.put("funpot/votes/date=2026-06-01/.a.ndjson", b"")
    place.put("funpot/votes/date=2026-06-01/_b.ndjson", b"")
    place.put("funpot/votes/date=2026-06-01/_temporary/c.ndjson", b"")
    place.put("funpot/_tmp/date=2026-06-01/c.ndjson", b"")
    place.put("_sample.json", b"{}")
    place.put("_logs/x/y", b"")

    assert found(place, systems) == []
    assert find_strangers(place.landing, systems) == []


def test_whatever_no_contract_describes_is_told_of(place: Place, systems: tuple[System, ...]) -> None:
    place.put("funpot/votes/date=2026-06-01/a.ndjson", b"")
    place.put("funpot/votes_old/date=2026-06-01/a.ndjson", b"")
    place.put("shop/sales/date=2026-06-01/a.ndjson", b"")
    place.put("shop/readme.txt", b"")
    for name in ("2026-06-01/a.ndjson", "date=yesterday/a.ndjson", "date=20260601/a.ndjson", "a.ndjson"):
        place.put(f"funpot/votes/{name}", b"")
    place.put("funpot/votes/date=2026-06-02", b"a file, not a folder")

    described = "no contract describes this; add it to a contract or remove the folder."
    dated = "is not a folder named date=YYYY-MM-DD; rename it."
    assert find_strangers(place.landing, systems) == [
        f"funpot/votes/2026-06-01: {dated}",
        f"funpot/votes/a.ndjson: {dated}",
        f"funpot/votes/date=2026-06-02: {dated}",
        f"funpot/votes/date=20260601: {dated}",
        f"funpot/votes/date=yesterday: {dated}",
        f"funpot/votes_old: {described}",
        f"shop/readme.txt: {described}",
        f"shop/sales: {described}",
    ]
    assert found(place, systems) == ["funpot/votes/date=2026-06-01/a.ndjson"]


@pytest.mark.parametrize(
    "name",
    ["two words.ndjson", "é ü 日本.ndjson", "100%.ndjson", "a%20b.ndjson", "a#b?c&d=e+f.ndjson", "x:y*z~'\"(1).ndjson"],
)
def test_a_file_may_have_any_name(place: Place, systems: tuple[System, ...], name: str) -> None:
    place.put(f"funpot/votes/date=2026-06-01/{name}", name.encode())
    (file,) = find_files(place.landing, systems)

    assert file.relative == f"funpot/votes/date=2026-06-01/{name}"
    with fetched(file) as here:
        assert here.path.read_bytes() == name.encode()


def test_a_folder_among_the_files_of_a_day_is_refused_and_not_searched(
    place: Place, systems: tuple[System, ...]
) -> None:
    place.put("funpot/votes/date=2026-06-01/part/a.ndjson", b"")
    place.put("funpot/votes/date=2026-06-01/part/b.ndjson", b"")
    (file,) = find_files(place.landing, systems)

    assert file.relative == "funpot/votes/date=2026-06-01/part"
    with pytest.raises(UnreadableFileError, match="it is a folder"), fetched(file):
        pass


def test_a_file_that_is_gone_is_refused_alone(place: Place, systems: tuple[System, ...]) -> None:
    place.put("funpot/votes/date=2026-06-01/a.ndjson", b"")
    (file,) = find_files(place.landing, systems)
    place.remove("funpot/votes/date=2026-06-01/a.ndjson")

    with pytest.raises((UnreadableFileError, FileNotFoundError)), fetched(file) as here:
        here.path.read_bytes()


def test_folders_that_a_console_made_are_no_files(bucket: Bucket, systems: tuple[System, ...]) -> None:
    bucket.server.client.put_object(Bucket=bucket.name, Key="deep/prefix/", Body=b"")
    for folder in ("funpot/", "funpot/votes/", "funpot/votes/date=2026-06-01/", "funpot/votes/date=2026-06-02/"):
        bucket.put(folder, b"")
    bucket.put("funpot/votes/date=2026-06-02/a.ndjson", b"")

    assert found(bucket, systems) == ["funpot/votes/date=2026-06-02/a.ndjson"]
    assert find_strangers(bucket.landing, systems) == []


def test_more_objects_than_a_page_holds_are_all_found(bucket: Bucket, systems: tuple[System, ...]) -> None:
    for number in range(1100):
        bucket.put(f"funpot/votes/date=2026-06-01/{number}.ndjson", b"")

    assert len(set(found(bucket, systems))) == 1100
