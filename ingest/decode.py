"""From a file's bytes to batches of columns, by the reader of its format."""

from collections.abc import Iterator

from ingest.batch import Batch
from ingest.contract import Table
from ingest.formats import csv, ndjson, parquet
from ingest.landing import LandingFile

_BATCHES = {"ndjson": ndjson.read_batches, "csv": csv.read_batches, "parquet": parquet.read_batches}
_LINES = {"ndjson": ndjson.read_lines, "csv": csv.read_lines, "parquet": parquet.read_lines}


def read_batches(file: LandingFile, table: Table) -> Iterator[Batch]:
    """The file in batches; UnreadableFileError when it cannot be read to its end."""
    yield from _BATCHES[file.format](file, table)


def read_lines(file: LandingFile, wanted: set[int]) -> dict[int, bytes]:
    """The raw bytes of some rows, by line; a parquet row is given as JSON."""
    return _LINES[file.format](file, wanted)
