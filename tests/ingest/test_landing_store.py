"""A landing zone in an object store: the same rows as from a folder, and one clear sentence for each trouble."""

import socket
import tempfile
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import moto
import psycopg
import pytest
from obstore.exceptions import PermissionDeniedError

import ingest.object_store
from ingest.arrivals import find_arrivals
from ingest.contract import System
from ingest.errors import ConfigurationError, LandingUnreachableError, TallyError
from ingest.landing import find_files
from ingest.load import Load, load_files
from ingest.object_store import ObjectStore
from ingest.sample import write_sample
from ingest.sample.files import FORMATS
from ingest.settings import Settings
from tests.conftest import _fresh
from tests.ingest.zone import LEDGER, entry, ndjson
from tests.places import KEY_ID, SECRET, TOKEN, Bucket, Server

FOLDER = LEDGER.replace(".", "/") + "/date=2026-06-01"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries again as often as ever, but at once."""
    backoff = dict.fromkeys(("init_backoff", "max_backoff"), ingest.object_store.timedelta(milliseconds=1))
    monkeypatch.setitem(ingest.object_store._RETRIES, "backoff", backoff)


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where downloads are kept while they are read."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def load(connection: psycopg.Connection, landing: Path | ObjectStore, systems: tuple[System, ...]) -> list[Load]:
    return load_files(connection, systems, find_arrivals(connection, landing, systems))


def contents(connection: psycopg.Connection, systems: tuple[System, ...]) -> dict[str, Any]:
    """The manifest but for its times, and a checksum of every table with the path that each row came from."""
    manifest = "select to_jsonb(l) - '{load_id,started_at,loaded_at}'::text[] from ingest.loads as l order by path"
    rows = (
        "select count(*), md5(string_agg(digest, '' order by digest)) from (select md5("
        "(to_jsonb(t) - '_load_id')::text || l.path) as digest from raw_{}.{} as t join ingest.loads as l"
        " on l.load_id = t._load_id) as rows"
    )
    found = {"manifest": connection.execute(manifest).fetchall()}
    for system in systems:
        for table in system.tables:
            query = rows.format(system.name, table.name)
            found[f"{system.name}.{table.name}"] = connection.execute(query.encode()).fetchall()
    return found


def test_a_bucket_gives_the_same_tables_and_the_same_manifest_as_a_folder(
    bucket: Bucket,
    tmp_path: Path,
    downloads: Path,
    systems: tuple[System, ...],
    connection: psycopg.Connection,
    server_conninfo: str,
    template: str,
) -> None:
    folder = tmp_path / "landing"
    write_sample(folder, systems, days=4)
    some = tuple(system for system in systems if system.name in ("funpot", "hermes"))
    files = find_files(folder, some)
    for file in files:
        bucket.put(file.relative, file.path.read_bytes())
    load(connection, folder, some)
    for database in _fresh(server_conninfo, template):
        with psycopg.connect(database, options="-c timezone=UTC") as other:
            loads = load(other, bucket.landing, some)
            again = load(other, bucket.landing, some)
            from_bucket = contents(other, some)

    assert {kind for kind in FORMATS if any(file.relative.endswith(f".{kind}") for file in files)} == set(FORMATS)
    assert {done.status for done in loads} == {"loaded", "skipped"}
    assert {done.status for done in again} == {"skipped"}
    assert sum(done.rows_accepted for done in loads) > 1000
    assert from_bucket == contents(connection, some)
    assert list(downloads.iterdir()) == []


@pytest.fixture
def two_files(bucket: Bucket) -> Bucket:
    bucket.put(f"{FOLDER}/a.ndjson", ndjson(*map(entry, range(1, 300))))
    bucket.put(f"{FOLDER}/b.ndjson", ndjson(entry(1000)))
    return bucket


def spoiled(server: Server, name: str, status: str | None = None, body: bytes = b"", times: int = 99) -> None:
    """Let the server answer requests for one object so, or break off half way through it; then as ever."""
    left = [times]

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if not environ["PATH_INFO"].endswith(name) or not left[0]:
            return server.app(environ, start)
        left[0] -= 1
        if status:
            start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
            return [body]
        whole = b"".join(server.app(environ, start))
        return [whole[: len(whole) // 2]]

    server.answers = answer


def error_of(code: str, more: str = "") -> bytes:
    return f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>m</Message>{more}</Error>'.encode()


def test_a_download_that_breaks_off_is_taken_up_where_it_did(
    two_files: Bucket, connection: psycopg.Connection, systems: tuple[System, ...]
) -> None:
    spoiled(two_files.server, "a.ndjson", times=2)
    loads = load(connection, two_files.landing, systems)

    assert [(done.status, done.rows_accepted) for done in loads] == [("loaded", 299), ("loaded", 1)]
    assert two_files.server.asked("GET") >= 4


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (None, b"", "its download failed (the connection broke off)"),
        ("404 Not Found", error_of("NoSuchKey"), "it is not there any more"),
        ("403 Forbidden", error_of("AccessDenied"), "its download failed (403 Forbidden, AccessDenied)"),
        ("500 Internal Server Error", b"<html>", "its download failed (500 Internal Server Error)"),
    ],
)
def test_an_object_that_cannot_be_had_is_refused_alone_and_tried_again(
    two_files: Bucket,
    downloads: Path,
    connection: psycopg.Connection,
    systems: tuple[System, ...],
    status: str | None,
    body: bytes,
    reason: str,
) -> None:
    spoiled(two_files.server, "a.ndjson", status, body)
    failed, loaded = load(connection, two_files.landing, systems)

    assert (failed.status, failed.reason) == ("failed", reason)
    assert loaded.status == "loaded"
    assert connection.execute("select path, reason from ingest.loads where status = 'failed'").fetchall() == [
        (f"{FOLDER}/a.ndjson", reason)
    ]
    assert list(downloads.iterdir()) == []

    two_files.server.answers = None
    assert [done.status for done in load(connection, two_files.landing, systems)] == ["loaded", "skipped"]
    assert connection.execute("select count(*) from ingest.loads where status = 'failed'").fetchall() == [(0,)]


def test_a_file_that_nobody_can_read_is_not_downloaded(
    bucket: Bucket, connection: psycopg.Connection, systems: tuple[System, ...]
) -> None:
    bucket.put(f"{FOLDER}/a.xlsx", b"x")
    cost = bucket.cost_of(lambda: load(connection, bucket.landing, systems))

    assert cost.reads == 0
    assert connection.execute("select status from ingest.loads").fetchall() == [("failed",)]


def test_a_damaged_object_is_refused_and_its_download_removed(
    bucket: Bucket, downloads: Path, connection: psycopg.Connection, systems: tuple[System, ...]
) -> None:
    bucket.put(f"{FOLDER}/a.ndjson.gz", b"not gzip")
    (failed,) = load(connection, bucket.landing, systems)

    assert "damaged" in str(failed.reason)
    assert list(downloads.iterdir()) == []


def test_an_object_with_a_key_that_is_no_path_spoils_only_its_day(
    two_files: Bucket, connection: psycopg.Connection, systems: tuple[System, ...]
) -> None:
    two_files.put(f"{FOLDER.replace('06-01', '06-02')}//c.ndjson", b"")
    two_files.put(f"{FOLDER.replace('06-01', '06-03')}/d.ndjson", ndjson(entry(2000)))
    loads = load(connection, two_files.landing, systems)

    assert [done.status for done in loads] == ["loaded", "loaded", "failed", "loaded"]
    assert "date=2026-06-02//" in str(loads[2].reason)
    assert "rename or delete that object" in str(loads[2].reason)


def test_a_store_that_goes_away_stops_the_loading_and_keeps_what_was_loaded(
    two_files: Bucket, connection: psycopg.Connection, systems: tuple[System, ...]
) -> None:
    files = find_arrivals(connection, two_files.landing, systems)

    def go_away(_: Load) -> None:
        spoiled(two_files.server, "", "503 Slow Down", error_of("SlowDown"))

    with pytest.raises(LandingUnreachableError, match=r"at http.* does not answer \(503 .*SlowDown\)"):
        load_files(connection, systems, files, go_away)
    assert connection.execute("select status, path from ingest.loads").fetchall() == [("loaded", f"{FOLDER}/a.ndjson")]


def troubled(landing: ObjectStore, systems: tuple[System, ...]) -> TallyError:
    with pytest.raises(TallyError) as caught:
        find_files(landing, systems)
    return caught.value


def test_a_store_that_is_not_there_is_unreachable(s3: Server, systems: tuple[System, ...]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: every connection is refused
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        error = troubled(ObjectStore("s3://zone/prefix", endpoint), systems)

    assert error.exit_code == 3
    sentence = f"The landing zone s3://zone/prefix at {endpoint} does not answer (Connection refused); try again later."
    assert str(error) == sentence


def test_a_bucket_that_does_not_exist_is_wrong_configuration(s3: Server, systems: tuple[System, ...]) -> None:
    error = troubled(ObjectStore("s3://nowhere/prefix", s3.url), systems)

    assert error.exit_code == 2
    assert f"There is no bucket for s3://nowhere/prefix at {s3.url}" in str(error)


def test_credentials_that_the_store_does_not_know_are_wrong_configuration(
    bucket: Bucket, systems: tuple[System, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moto.settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)
    error = troubled(bucket.landing, systems)

    assert error.exit_code == 2
    assert "may not list" in str(error)
    assert "403 Forbidden" in str(error)


@pytest.mark.parametrize(
    "missing", [["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], ["AWS_SECRET_ACCESS_KEY"], ["AWS_ACCESS_KEY_ID"]]
)
def test_without_credentials_nobody_is_asked_for_any(
    bucket: Bucket, systems: tuple[System, ...], monkeypatch: pytest.MonkeyPatch, missing: list[str]
) -> None:
    for name in missing:
        monkeypatch.delenv(name)
    bucket.server.requests.clear()
    error = troubled(bucket.landing, systems)

    assert error.exit_code == 2
    assert f"There are no credentials for {bucket.landing}; set AWS_ACCESS_KEY_ID" in str(error)
    assert bucket.server.requests == []


def test_a_server_that_is_no_object_store_is_wrong_configuration(bucket: Bucket, systems: tuple[System, ...]) -> None:
    spoiled(bucket.server, "", "405 Method Not Allowed", b"<html>a web site</html>")
    error = troubled(bucket.landing, systems)

    assert error.exit_code == 2
    assert "cannot be listed (405 Method Not Allowed)" in str(error)


def test_a_line_break_in_a_credential_is_named(
    bucket: Bucket, systems: tuple[System, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN + "\n")
    error = troubled(bucket.landing, systems)

    assert error.exit_code == 2
    assert str(error) == "AWS_SESSION_TOKEN holds a line break or the like; set it without."


def test_no_secret_is_ever_told_even_where_the_server_repeats_it(
    two_files: Bucket, connection: psycopg.Connection, systems: tuple[System, ...]
) -> None:
    repeated = f"<AWSAccessKeyId>{KEY_ID}</AWSAccessKeyId><CanonicalRequest>x-amz-security-token:{TOKEN}"
    body = error_of("SignatureDoesNotMatch", f"{repeated} {SECRET}</CanonicalRequest>")
    told = repr(two_files.landing) + repr(find_files(two_files.landing, systems))
    for name in ("a.ndjson", ""):
        spoiled(two_files.server, name, "403 Forbidden", body)
        try:
            told += "".join(str(done.reason) for done in load(connection, two_files.landing, systems))
        except TallyError as error:
            told += str(error) + "".join(traceback.format_exception(error))

    assert told.count("SignatureDoesNotMatch") >= 2
    for secret in (KEY_ID, SECRET, TOKEN):
        assert secret not in told


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"TALLY_LANDING": "s3://"}, "a folder or a bare URL such as s3://bucket/prefix"),
        ({"TALLY_LANDING": f"s3://bucket/a?X-Amz-Signature={SECRET}"}, "a folder or a bare URL"),
        ({"TALLY_LANDING": f"s3://{KEY_ID}:{SECRET}@bucket/a"}, "TALLY_LANDING holds a user or a password"),
        ({"TALLY_S3_ENDPOINT": f"http://{KEY_ID}:{SECRET}@localhost:9000"}, "TALLY_S3_ENDPOINT holds a user"),
        ({"TALLY_S3_ENDPOINT": "localhost:9000"}, "TALLY_S3_ENDPOINT must be a bare URL"),
        ({"TALLY_S3_ENDPOINT": f"{KEY_ID}:{SECRET}@localhost"}, "TALLY_S3_ENDPOINT must be a bare URL"),
        ({"TALLY_S3_ENDPOINT": f"https://localhost/?sig={SECRET}"}, "TALLY_S3_ENDPOINT must be a bare URL"),
        ({"AWS_ENDPOINT_URL": "ftp://localhost"}, "AWS_ENDPOINT_URL must be a bare URL"),
        (
            {"TALLY_S3_ENDPOINT": "http://localhost:9000", "AWS_ENDPOINT_URL_S3": "http://elsewhere"},
            "TALLY_S3_ENDPOINT and AWS_ENDPOINT_URL_S3 name two stores",
        ),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(environment: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environment({"TALLY_LANDING": "s3://bucket/prefix"} | environment)

    assert words in str(caught.value)
    assert SECRET not in str(caught.value)


def test_an_unknown_kind_of_url_is_refused_when_it_is_used(systems: tuple[System, ...]) -> None:
    settings = Settings.from_environment({"TALLY_LANDING": "s4://bucket/prefix"})
    assert isinstance(settings.landing, ObjectStore)
    error = troubled(settings.landing, systems)

    assert error.exit_code == 2
    assert "TALLY_LANDING is s4://bucket/prefix, which cannot be used" in str(error)


@pytest.mark.parametrize(("url", "is_s3"), [("s3://bucket", True), ("gs://bucket", False)])
def test_keys_of_aws_are_asked_for_where_they_help(url: str, is_s3: bool) -> None:
    refusal = PermissionDeniedError("Server returned error response with status code: 403 Forbidden")
    told = str(ObjectStore(url)._explained(refusal))

    assert told.startswith(f"The credentials may not list {url} (403 Forbidden); correct ")
    assert ("AWS_" in told) == is_s3


def test_a_landing_zone_is_printed_as_its_url() -> None:
    environment = {"TALLY_LANDING": "s3://bucket/prefix/", "AWS_ENDPOINT_URL": "https://s3.example.org/"}
    landing = Settings.from_environment(environment).landing

    assert isinstance(landing, ObjectStore)
    assert (str(landing), landing.endpoint) == ("s3://bucket/prefix", "https://s3.example.org")
