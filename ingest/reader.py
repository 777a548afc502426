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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from io import BytesIO
from typing import BinaryIO, cast

import polars as pl

from ingest.batch import Batch, Rows
from ingest.contract import Table
from ingest.decode import read_batches
from ingest.errors import UnreadableFileError
from ingest.landing import LandingFile
from ingest.validate import validate

LARGE_BYTES = 16 << 20  # on disk; a plain file of this size takes some 0.2 s to decode


# Some columns of the rows that fit; or of given lines (sorted), which are known to.
Read = Callable[[Sequence[str], pl.Series | None], Iterator[Rows]]


@contextmanager
def opened(file: LandingFile, table: Table) -> Iterator[Read]:
    """A file that can be read several times over while the context lasts, from its beginning each time.

    Reading raises UnreadableFileError when the file cannot be read to its end.
    """
    if file.format != "parquet" and file.path.is_file() and file.path.stat().st_size >= LARGE_BYTES:
        with _elsewhere(file, table) as read:
            yield lambda columns, lines: _ahead(read(columns, lines))
    else:
        yield lambda columns, lines: _ahead(_read(file, table, columns, lines))


def encode(frame: pl.DataFrame) -> bytes:
    """Rows as COPY takes them: strings are quoted and nulls are not, which is how Postgres tells '' from null."""
    written = BytesIO()
    frame.write_csv(written, include_header=False, quote_style="non_numeric", datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ")
    return written.getvalue()


def decode(rows: bytes, columns: Sequence[str]) -> pl.DataFrame:
    """What `encode` was given, every value as text."""
    return pl.read_csv(rows, has_header=False, schema=dict.fromkeys(columns, pl.String))


def _read(file: LandingFile, table: Table, columns: Sequence[str], lines: pl.Series | None) -> Iterator[Rows]:
    names = [column.name for column in table.columns]
    for batch in read_batches(file, table):
        frame, refusals = validate(batch, table) if lines is None else (_only(lines, batch), [])
        hashes = frame.select(names).hash_rows().reinterpret(signed=True).alias("_hash")
        rows = encode(frame.select("_line", *columns, hashes))
        yield Rows(frame.height, rows, refusals, batch.bytes_read)


def _only(lines: pl.Series, batch: Batch) -> pl.DataFrame:
    found = batch.frame["_line"]
    if found.is_empty():
        return batch.frame
    # Of all the file's lines only those that can be of this batch are compared with its own.
    begin = lines.search_sorted(cast(int, found.min()), "left")
    end = lines.search_sorted(cast(int, found.max()), "right")
    return batch.frame.filter(found.is_in(lines[begin:end]))


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
            pickle.dump((replace(file, zone=None, entry=None), table), process.stdin)
            yield partial(_ask, process)
        except BrokenPipeError as error:
            raise _ended(process) from error
        finally:
            process.kill()


def _ask(process: subprocess.Popen[bytes], columns: Sequence[str], lines: pl.Series | None) -> Iterator[Rows]:
    assert process.stdin  # noqa: S101 -- for the type checker: it is a pipe
    try:
        pickle.dump((columns, lines), process.stdin)
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
            columns, lines = pickle.load(orders)  # noqa: S301 -- from the process that started this one
            _answer(writer, answers, _read(file, table, columns, lines))


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
