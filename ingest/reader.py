"""The rows of a file as COPY takes them, read here or, of a large file, by a process of its own.

Python decodes a large file on one core while Postgres takes in its rows on another. A thread would not do for that: it
holds the interpreter while it decodes, and each of the thousand short waits of a COPY then lasts until it lets go
(staging 1 M events: 4.6 s beside a thread, 3.2 s beside a process). It costs 0.5 s to start, and parquet, which is
decoded ten times as fast and outside the interpreter, never needs it. One batch is always read ahead.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from io import BytesIO
from itertools import compress
from typing import BinaryIO, Literal, Protocol, cast

import polars as pl

from ingest.batch import Batch, Rows
from ingest.contract import Table
from ingest.decode import read_batches, read_fingerprints
from ingest.errors import UnreadableFileError
from ingest.fingerprint import FINGERPRINT
from ingest.landing import LandingFile
from ingest.validate import fitting, validate

LARGE_BYTES = 16 << 20  # on disk; a plain file of this size takes some 0.2 s to decode


What = Literal["fingerprints", "keys", "rows"]


class Read(Protocol):
    """Reads a file from its beginning."""

    def __call__(self, what: What, lines: pl.Series | None = None) -> Iterator[Rows]:
        """Its rows that fit, all or those of some lines (sorted).

        Or its keys, where other columns may not fit, or nothing but its fingerprints, of lines that may give no row.
        """


@contextmanager
def opened(file: LandingFile, table: Table) -> Iterator[Read]:
    """A file that can be read several times over while the context lasts, from its beginning each time.

    Reading raises UnreadableFileError when the file cannot be read to its end.
    """
    if file.format != "parquet" and file.path.is_file() and file.path.stat().st_size >= LARGE_BYTES:
        with _elsewhere(file, table) as read:
            yield lambda what, lines=None: _ahead(read(what, lines))
    else:
        yield lambda what, lines=None: _ahead(_read(file, table, what, lines))


def encode(frame: pl.DataFrame) -> bytes:
    """Rows as COPY takes them: strings are quoted and nulls are not, which is how Postgres tells '' from null."""
    written = BytesIO()
    frame.write_csv(written, include_header=False, quote_style="non_numeric", datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ")
    return written.getvalue()


def decode(rows: bytes, columns: Sequence[str]) -> pl.DataFrame:
    """What `encode` was given, every value as text."""
    return pl.read_csv(rows, has_header=False, schema=dict.fromkeys(columns, pl.String))


def _read(file: LandingFile, table: Table, what: What, lines: pl.Series | None) -> Iterator[Rows]:
    if what == "fingerprints":
        yield from map(_fingerprints, read_fingerprints(file, table))
    else:
        for batch in read_batches(file, table):
            yield _keys(batch, table) if what == "keys" else _rows(batch, table, lines)


def _fingerprints(batch: Batch) -> Rows:
    csv = encode(batch.frame.select("_line", *FINGERPRINT))
    return Rows(batch.frame.height, csv, batch.refusals, batch.bytes_read)


def _keys(batch: Batch, table: Table) -> Rows:
    """A row whose content is known was judged when it came first; so only keys are judged here, that can be sought."""
    is_fitting = fitting(batch.frame, [column for column in table.columns if column.name in table.key])
    frame = batch.frame.filter(is_fitting)
    unsure = batch.frame["_line"].filter(~is_fitting).to_list()
    csv = encode(frame.select("_line", *table.key, *FINGERPRINT))
    return Rows(batch.frame.height, csv, batch.refusals, batch.bytes_read, unsure)


def _rows(batch: Batch, table: Table, lines: pl.Series | None) -> Rows:
    wanted = batch if lines is None else _only(lines, batch)
    frame, refusals = validate(wanted, table)
    csv = encode(frame.select("_line", *(column.name for column in table.columns), *FINGERPRINT))
    return Rows(frame.height, csv, refusals, batch.bytes_read)


def _only(lines: pl.Series, batch: Batch) -> Batch:
    found = batch.frame["_line"]
    refused = pl.Series([refusal.line for refusal in batch.refusals], dtype=pl.Int64)
    own = pl.concat([found, refused])
    if own.is_empty():
        return batch
    # Of all the file's lines only those that can be of this batch are compared with its own.
    begin = lines.search_sorted(cast(int, own.min()), "left")
    end = lines.search_sorted(cast(int, own.max()), "right")
    wanted = lines[begin:end].implode()
    refusals = list(compress(batch.refusals, refused.is_in(wanted)))
    return replace(batch, frame=batch.frame.filter(found.is_in(wanted)), refusals=refusals)


def _ahead(rows: Iterator[Rows]) -> Iterator[Rows]:
    """The same, each made while the one before it is in use."""
    with ThreadPoolExecutor(1) as maker:
        following = maker.submit(next, rows, None)
        while found := following.result():
            following = maker.submit(next, rows, None)
            yield found


@contextmanager
def _elsewhere(file: LandingFile, table: Table) -> Iterator[Read]:
    # One thread decodes in a third of the processor time that two take who wait for each other.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "POLARS_MAX_THREADS": "1"}
    command = [sys.executable, "-P", "-m", "ingest.reader"]
    pipe = subprocess.PIPE
    # In a session of its own, so that Ctrl-C reaches this process alone, which then ends the other.
    with subprocess.Popen(  # noqa: S603 -- this interpreter
        command, stdin=pipe, stdout=pipe, env=environment, start_new_session=True
    ) as process:
        assert process.stdin and process.stdout  # noqa: S101 -- for the type checker: both are pipes
        try:
            # If it has ended already, whoever asks it hears so.
            with suppress(BrokenPipeError):
                pickle.dump((replace(file, zone=None, entry=None), table), process.stdin)
            yield partial(_ask, process)
        finally:
            process.kill()
            with suppress(BrokenPipeError):
                process.stdin.close()


def _ask(process: subprocess.Popen[bytes], what: str, lines: pl.Series | None = None) -> Iterator[Rows]:
    assert process.stdin  # noqa: S101 -- for the type checker: it is a pipe
    try:
        pickle.dump((what, lines), process.stdin)
        process.stdin.flush()
        while rows := _hear(process):
            yield rows
    except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
        raise _ended(process) from error


def _hear(process: subprocess.Popen[bytes]) -> Rows | None:
    """The next rows; None after the last."""
    assert process.stdout  # noqa: S101 -- for the type checker: it is a pipe
    found = pickle.load(process.stdout)  # noqa: S301 -- our own process wrote it
    if isinstance(found, Exception):
        raise found
    return cast(Rows | None, found)


def _ended(process: subprocess.Popen[bytes]) -> UnreadableFileError:
    return UnreadableFileError(f"the process that read it ended with code {process.wait()}")


def _serve(orders: BinaryIO, answers: BinaryIO) -> None:
    """Read the file that is named first, as often as is ordered; answer with its rows, then None or the error."""
    with ThreadPoolExecutor(1) as writer, suppress(EOFError, BrokenPipeError):  # who asked has enough, or is gone
        file, table = pickle.load(orders)  # noqa: S301 -- from the process that started this one
        while True:
            what, lines = pickle.load(orders)  # noqa: S301 -- from the process that started this one
            _answer(writer, answers, _read(file, table, what, lines))


def _answer(writer: ThreadPoolExecutor, answers: BinaryIO, found: Iterator[Rows]) -> None:
    # One batch waits in the pipe while the next is decoded; writing blocks outside the interpreter.
    written = writer.submit(len, b"")
    try:
        for rows in found:
            written.result()
            written = writer.submit(answers.write, pickle.dumps(rows, pickle.HIGHEST_PROTOCOL))
        written.result()
        answers.write(pickle.dumps(None))
    except BrokenPipeError:
        raise
    except Exception as error:
        wait([written])
        answers.write(pickle.dumps(error))
    answers.flush()


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
