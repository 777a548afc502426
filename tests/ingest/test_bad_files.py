"""Files that are no files, streams that end too early, names that lie: each fails alone, with one clear sentence."""

import gzip
import os
import random
import threading
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from backports import zstd

from ingest.landing import LandingFile
from ingest.load import load_files
from tests.ingest.everything import EVERYTHING, Outcome, Trial, is_one_sentence, parquet
from tests.ingest.zone import LEDGER, Zone, counts, entry, ndjson

COUNT = 500
ROWS = {str(n): f"{n * 7919 % 1009:x}" for n in range(1, COUNT + 1)}
LINES = ndjson(*({"id": int(key), "name": name} for key, name in ROWS.items()))
CSV = b"id,name\n" + "".join(f"{key},{name}\n" for key, name in ROWS.items()).encode()
PARQUET = parquet(pl.DataFrame({"id": list(map(int, ROWS)), "name": list(ROWS.values())}))
# Without the time, which would stand in the names of tests: two processes that run them must find the same.
packed = partial(gzip.compress, mtime=0)
GZIP = packed(LINES)
ZSTD = zstd.compress(LINES, options={zstd.CompressionParameter.checksum_flag: 1})
HALF = len(LINES) // 2  # falls into the middle of a line
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\0\0\0skip"  # a frame of zstd that holds nothing; parallel compressors write such


def names(outcome: Outcome) -> dict[str, str | None]:
    return {key: row["name"] for key, row in outcome.rows.items()}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("several-members.ndjson.gz", packed(LINES[:HALF]) + packed(b"") + packed(LINES[HALF:])),
        ("several-frames.ndjson.zst", zstd.compress(LINES[:HALF]) + zstd.compress(b"") + zstd.compress(LINES[HALF:])),
        ("skippable.ndjson.zst", SKIPPABLE + zstd.compress(LINES[:HALF]) + SKIPPABLE + zstd.compress(LINES[HALF:])),
        ("padded-with-zeros.ndjson.gz", GZIP + b"\0" * 512),
        ("named-within.ndjson.gz", b"\x1f\x8b\x08\x08\0\0\0\0\0\x03other.csv\0" + GZIP[10:]),
        ("checksum.ndjson.zst", ZSTD),
        ("plain.csv.gz", packed(CSV[:HALF]) + packed(CSV[HALF:])),
        ("plain.csv.zst", zstd.compress(CSV)),
        ("a.b.csv.ndjson.gz", GZIP),
        ("plain.parquet", PARQUET),
    ],
)
def test_a_stream_of_any_build_is_read_to_its_end(trial: Trial, name: str, content: bytes) -> None:
    outcome = trial.attempt(content, name)

    assert outcome.load.reason is None
    assert names(outcome) == ROWS
    assert counts(outcome.load) == (COUNT, COUNT, 0, 0, 0)


@pytest.mark.parametrize("name", ["nothing.ndjson.gz", "nothing.csv.gz", "nothing.ndjson.zst", "nothing.csv.zst"])
def test_an_empty_stream_is_no_rows_but_no_stream_at_all_is_a_failure(trial: Trial, name: str) -> None:
    compress = gzip.compress if name.endswith("gz") else zstd.compress
    whole, nothing = trial.attempt(compress(b""), name), trial.attempt(b"", name)

    assert (whole.load.status, counts(whole.load)) == ("loaded", (0, 0, 0, 0, 0))
    assert nothing.load.status == "failed"
    assert "cut short" in str(nothing.load.reason)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(("short.ndjson.gz", GZIP[:length]) for length in (1, 2, 9, 10, 11, 500, len(GZIP) - 9, len(GZIP) - 8)),
        *(("short.ndjson.gz", GZIP[:-length]) for length in (1, 4, 7)),
        ("bad-checksum.ndjson.gz", GZIP[:-8] + bytes(4) + GZIP[-4:]),
        ("bad-length.ndjson.gz", GZIP[:-4] + bytes(4)),
        ("flipped.ndjson.gz", GZIP[:700] + bytes([GZIP[700] ^ 1]) + GZIP[701:]),
        ("garbage-after.ndjson.gz", GZIP + b"garbage"),
        ("rows-after.ndjson.gz", GZIP + LINES),
        ("second-member-short.ndjson.gz", GZIP + packed(LINES)[:-1]),
        ("second-member-begun.ndjson.gz", GZIP + b"\x1f\x8b"),
        ("plain.ndjson.gz", LINES),
        ("zstd.ndjson.gz", ZSTD),
        ("parquet.csv.gz", PARQUET),
        *(("short.ndjson.zst", ZSTD[:length]) for length in (1, 3, 4, 5, 9, 500, len(ZSTD) - 5, len(ZSTD) - 4)),
        *(("short.ndjson.zst", ZSTD[:-length]) for length in (1, 2)),
        ("bad-checksum.ndjson.zst", ZSTD[:-4] + bytes(4)),
        ("flipped.ndjson.zst", ZSTD[:700] + bytes([ZSTD[700] ^ 1]) + ZSTD[701:]),
        ("garbage-after.ndjson.zst", ZSTD + b"garbage"),
        ("rows-after.ndjson.zst", ZSTD + LINES),
        ("second-frame-short.ndjson.zst", ZSTD + ZSTD[:-1]),
        ("plain.csv.zst", CSV),
        ("gzip.ndjson.zst", GZIP),
        ("zeros.ndjson.gz", bytes(100)),
        ("zeros.ndjson.zst", bytes(100)),
    ],
)
def test_a_stream_that_is_damaged_anywhere_keeps_nothing(trial: Trial, name: str, content: bytes) -> None:
    outcome = trial.attempt(content, name)

    assert (outcome.load.status, outcome.rows, outcome.quarantine) == ("failed", {}, {})
    assert "stream" in str(outcome.load.reason)


@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress])
def test_a_stream_that_breaks_off_after_many_batches_keeps_none_of_them(
    trial: Trial, compress: Callable[[bytes], bytes]
) -> None:
    lines = b"".join(b'{"id":%d,"name":"%x%b"}\n' % (n, n * 7919 % 100_003, b"x" * 180) for n in range(60_000))
    stream = compress(lines)
    outcome = trial.attempt(stream[:-3], "long.ndjson." + ("gz" if stream.startswith(b"\x1f\x8b") else "zst"))

    assert (outcome.load.status, outcome.rows) == ("failed", {})


def test_a_large_stream_that_breaks_off_keeps_nothing_and_says_why(trial: Trial) -> None:
    # 18 MB on disk: what is large may be read in another way than what is small.
    digits = random.Random(7)
    lines = b"".join(b'{"id":%d,"name":"%b"}\n' % (n, digits.randbytes(300).hex().encode()) for n in range(54_000))
    outcome = trial.attempt(gzip.compress(lines, 1)[:-3], "large.ndjson.gz")

    assert (outcome.load.status, outcome.rows) == ("failed", {})
    assert "cut short" in str(outcome.load.reason)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *((f"compressed.{kind}", content) for kind in ("ndjson", "csv", "parquet") for content in (GZIP, ZSTD)),
        ("twice.ndjson.gz", packed(GZIP)),
        *(("parquet." + kind, PARQUET) for kind in ("ndjson", "csv")),
        *(("csv." + kind, CSV) for kind in ("ndjson", "parquet")),
        *(("ndjson." + kind, LINES) for kind in ("csv", "parquet")),
        *(("zeros." + kind, bytes(5000)) for kind in ("ndjson", "parquet")),
        *(("every-byte." + kind, bytes(range(256)) * 20) for kind in ("ndjson", "csv", "parquet")),
        *(("utf16." + kind, content.decode().encode("utf-16")) for kind, content in (("ndjson", LINES), ("csv", CSV))),
        *(("utf32." + kind, content.decode().encode("utf-32")) for kind, content in (("ndjson", LINES), ("csv", CSV))),
        ("page.ndjson", b"<!DOCTYPE html>\n<html><body>403 Forbidden</body></html>\n"),
        ("page.csv", b"<!DOCTYPE html>\n<html><body>403, Forbidden</body></html>\n"),
    ],
)
def test_a_name_that_lies_about_its_content_gives_no_rows(trial: Trial, name: str, content: bytes) -> None:
    outcome = trial.attempt(content, name)

    assert outcome.rows == {}
    assert outcome.load.status == "failed" or len(outcome.quarantine) == outcome.load.rows_read > 0


@pytest.mark.parametrize(
    "name",
    [
        *("part", "part.txt", "part.json", "part.jsonl", "part.NDJSON", "part.ndjson.bz2", "part.ndjson.GZ", "part.gz"),
        *("part.zst", "part.ndjson.gz.gz", "part.ndjson.zst.gz"),
        *("part.ndjson.tmp", "part.csv~", "part.ndjson.", "ndjson"),
    ],
)  # fmt: skip
def test_a_name_without_a_known_ending_is_refused(trial: Trial, name: str) -> None:
    outcome = trial.attempt(LINES, name)

    assert outcome.load.status == "failed"
    assert "must end in .ndjson, .csv or .parquet" in str(outcome.load.reason)


@pytest.mark.parametrize("content", [b"1,Ada,0.5\n", b"surprise\n", bytes(5000), b"id;name\n", b"%PDF-1.7"])
def test_a_header_that_is_none_is_told_of_even_if_no_record_follows(trial: Trial, content: bytes) -> None:
    # What was taken for the header may have been the one row there is.
    assert trial.attempt(content, "a.csv").load.status == "failed"


def test_a_compressed_parquet_file_is_read_or_refused_with_a_reason(trial: Trial) -> None:
    outcome = trial.attempt(gzip.compress(PARQUET), "part.parquet.gz")

    assert names(outcome) == (ROWS if outcome.load.status == "loaded" else {})


@pytest.mark.parametrize(
    "name",
    ["part[1]", "part*", "part?", "[!x]*", "part{1,2}", "part 1", "päärt", "part'1", 'part"1', "part\n1", "%20", "~"],
)
@pytest.mark.parametrize("kind", ["ndjson", "csv", "parquet"])
def test_a_name_means_one_file_whatever_its_letters_mean_elsewhere(trial: Trial, name: str, kind: str) -> None:
    other = {"ndjson": b'{"id":7777}\n', "csv": b"id\n7777\n", "parquet": parquet(pl.DataFrame({"id": [7777]}))}[kind]
    neighbours = [
        trial.zone.deliver(EVERYTHING, other, f"{neighbour}.{kind}") for neighbour in ("part1", "part2", "partx")
    ]
    try:
        content = {"ndjson": LINES, "csv": CSV, "parquet": PARQUET}[kind]
        outcome = trial.attempt(content, f"{name}.{kind}")
    finally:
        for neighbour in neighbours:
            neighbour.unlink()

    assert outcome.load.reason is None
    assert names(outcome) == ROWS
    assert outcome.load.path.endswith(f"/{name}.{kind}")


def test_a_name_that_is_not_utf8_is_told_of_and_stops_no_other_file(zone: Zone) -> None:
    zone.deliver(LEDGER, ndjson(entry(1)), os.fsdecode(b"part-\xff.ndjson"))
    zone.deliver(LEDGER, ndjson(entry(2)), "part.ndjson")
    loads = zone.load()

    assert len(loads) == 2
    assert {2} <= {key for key, _, _ in zone.entries()} <= {1, 2}


def day_of(trial: Trial) -> Path:
    folder = trial.zone.root / EVERYTHING.replace(".", "/") / "date=2026-06-01"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("kind", ["ndjson", "csv", "parquet", "ndjson.gz", "ndjson.zst"])
@pytest.mark.parametrize("make", ["folder", "full folder", "dangling link", "link to itself", "link to a folder"])
def test_what_is_not_a_file_fails_like_a_file_that_cannot_be_read(trial: Trial, make: str, kind: str) -> None:
    path = day_of(trial) / f"odd.{kind}"
    inner = path / f"part.{kind}"
    match make:
        case "folder":
            path.mkdir()
        case "full folder":
            path.mkdir()
            inner.write_bytes({"csv": CSV, "parquet": PARQUET}.get(kind, LINES))
        case "dangling link":
            path.symlink_to("nowhere.ndjson")
        case "link to itself":
            path.symlink_to(path)
        case "link to a folder":
            path.symlink_to(trial.zone.root)
    try:
        outcome = trial.attempt_path(path)
    finally:
        if path.is_symlink():
            path.unlink()
        else:
            inner.unlink(missing_ok=True)
            path.rmdir()

    assert (outcome.load.status, outcome.rows) == ("failed", {})


def test_a_link_to_a_file_is_read_as_that_file(trial: Trial, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(LINES)
    path = day_of(trial) / "link.ndjson"
    path.symlink_to(tmp_path / "elsewhere")
    try:
        outcome = trial.attempt_path(path)
    finally:
        path.unlink()

    assert names(outcome) == ROWS


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file, whatever its mode says")
def test_a_file_that_may_not_be_read_fails_with_that_reason(trial: Trial) -> None:
    path = trial.zone.deliver(EVERYTHING, LINES, "closed.ndjson")
    path.chmod(0)
    try:
        outcome = trial.attempt_path(path)
    finally:
        path.unlink()

    assert outcome.load.status == "failed"
    assert "ermission" in str(outcome.load.reason)


@pytest.mark.parametrize("kind", ["ndjson", "csv", "parquet", "ndjson.gz"])
def test_a_pipe_fails_at_once_and_nobody_waits_for_its_other_end(trial: Trial, kind: str) -> None:
    path = day_of(trial) / f"pipe.{kind}"
    os.mkfifo(path)
    done = threading.Event()

    def open_other_end() -> None:
        # Whoever opens the pipe to read would wait for ever without a writer; here it finds an empty file instead.
        while not done.is_set():
            os.close(os.open(path, os.O_WRONLY))

    writer = threading.Thread(target=open_other_end)
    writer.start()
    try:
        outcome = trial.attempt_path(path)
    finally:
        done.set()
        while writer.is_alive():  # it may come to wait for a reader only now
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
            writer.join(timeout=0.01)
        path.unlink()

    assert outcome.load.status == "failed"


def test_a_file_that_is_gone_by_the_time_it_is_its_turn_fails(trial: Trial) -> None:
    path = day_of(trial) / "gone.ndjson"
    file = LandingFile("matrix", "everything", date(2026, 6, 1), path, path.relative_to(trial.zone.root).as_posix())
    with trial.connection.transaction(force_rollback=True):
        (load,) = load_files(trial.connection, trial.zone.systems, [file])

    assert load.status == "failed"
    assert is_one_sentence(load.reason)


def test_a_file_where_a_folder_of_a_day_should_be_stops_no_other_day(zone: Zone) -> None:
    zone.deliver(LEDGER, ndjson(entry(1)))
    (zone.root / LEDGER.replace(".", "/") / "date=2026-06-02").write_bytes(b"")

    assert [load.status for load in zone.load() if load.rows_read] == ["loaded"]
    assert len(zone.entries()) == 1


def test_a_delivery_of_every_damage_keeps_the_rows_of_its_good_files(zone: Zone) -> None:
    damage = {
        "a.ndjson.gz": GZIP[:-1],
        "b.ndjson.zst": ZSTD[:-1],
        "c.parquet": PARQUET[:-1],
        "d.csv": b'"id',
        "e.xlsx": b"",
        "f.ndjson": b"\xff\n",
        "g.parquet": b"",
        "h.csv": b"\0\0\n\0",
    }
    for number, (name, content) in enumerate(damage.items()):
        zone.deliver(LEDGER, content, name)
        zone.deliver(LEDGER, ndjson(entry(number)), name[0] + "-good.ndjson")
    loads = zone.load()

    assert [load.path[-len("good.ndjson") :] for load in loads if load.rows_accepted] == ["good.ndjson"] * len(damage)
    assert all(is_one_sentence(load.reason) for load in loads if load.status == "failed")
    assert len(zone.entries()) == len(damage)
