"""The rows of a file that fit their contract, read here or, for a large file, by a process of its own.

Python decodes a large file on one core while Postgres takes in its rows on another. A thread would not do: it holds
the interpreter while it decodes, and each of the thousand short waits of a COPY then lasts until it lets go (staging
1 M events: 4.6 s beside a thread, 3.2 s beside a process). It costs 0.5 s to start, and parquet, which is decoded ten
times as fast, never needs it.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from typing import BinaryIO

from ingest.batch import Batch
from ingest.contract import Table
from ingest.decode import read_batches
from ingest.errors import UnreadableFileError
from ingest.landing import LandingFile
from ingest.validate import validate

LARGE_BYTES = 16 << 20  # on disk; a plain file of this size takes some 0.2 s to decode


def read_rows(file: LandingFile, table: Table) -> Iterator[Batch]:
    """Batches of the rows that fit, with `_hash`, a hash of the row's content; every other line is refused.

    UnreadableFileError when the file cannot be read to its end.
    """
    if file.format != "parquet" and file.path.is_file() and file.path.stat().st_size >= LARGE_BYTES:
        yield from _read_elsewhere(file, table)
    else:
        yield from _read(file, table)


def _read(file: LandingFile, table: Table) -> Iterator[Batch]:
    names = [column.name for column in table.columns]
    for batch in read_batches(file, table):
        frame, refusals = validate(batch, table)
        hashes = frame.select(names).hash_rows().reinterpret(signed=True).alias("_hash")
        yield Batch(frame.select("_line", *names).with_columns(hashes), refusals, batch.bytes_read)


def _read_elsewhere(file: LandingFile, table: Table) -> Iterator[Batch]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "ingest.reader"]
    pipe = subprocess.PIPE
    # In a session of its own, so that Ctrl-C reaches this process alone, which then ends the other.
    with subprocess.Popen(  # noqa: S603 -- this interpreter
        command, stdin=pipe, stdout=pipe, env=environment, start_new_session=True
    ) as process:
        assert process.stdin and process.stdout  # noqa: S101 -- for the type checker: both are pipes
        try:
            pickle.dump((replace(file, zone=None, entry=None), table), process.stdin)
            process.stdin.close()
            while (found := pickle.load(process.stdout)) is not None:  # noqa: S301 -- our own process wrote it
                if isinstance(found, Exception):
                    raise found
                yield found
        except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
            code = process.wait()
            raise UnreadableFileError(f"the process that read it ended with code {code}") from error
        finally:
            process.kill()


def _serve(orders: BinaryIO, answers: BinaryIO) -> None:
    """Read the file that is asked for, and answer with its batches, then None or the error."""
    file, table = pickle.load(orders)  # noqa: S301 -- from the process that started this one
    # One batch waits in the pipe while the next is decoded; writing blocks outside the interpreter.
    with ThreadPoolExecutor(1) as writer:
        written = writer.submit(len, b"")
        try:
            for batch in _read(file, table):
                written.result()
                written = writer.submit(answers.write, pickle.dumps(batch, pickle.HIGHEST_PROTOCOL))
            written.result()
            answers.write(pickle.dumps(None))
        except BrokenPipeError:
            return  # whoever asked is gone
        except Exception as error:
            wait([written])
            answers.write(pickle.dumps(error))


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
    sys.stdout.flush()
