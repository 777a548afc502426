"""From a file's bytes to batches of columns, by the reader of its format."""

from collections.abc import Iterator
from dataclasses import replace

from ingest.batch import Batch
from ingest.contract import Table
from ingest.fingerprint import Fingerprint
from ingest.formats import csv, ndjson, parquet
from ingest.landing import LandingFile

_BATCHES = {"ndjson": ndjson.read_batches, "csv": csv.read_batches, "parquet": parquet.read_batches}
_FINGERPRINTS = {"ndjson": ndjson.read_fingerprints, "csv": csv.read_fingerprints}
_LINES = {"ndjson": ndjson.read_lines, "csv": csv.read_lines, "parquet": parquet.read_lines}


def read_batches(file: LandingFile, table: Table) -> Iterator[Batch]:
    """The file in batches, with fingerprints; UnreadableFileError when it cannot be read to its end."""
    for batch in _BATCHES[file.format](file, table):
        yield batch if _has_texts(file, table) else _by_values(batch, file, table)


def read_fingerprints(file: LandingFile, table: Table) -> Iterator[Batch]:
    """The file without its values, and without a refusal for any row whose fingerprint is given."""
    if _has_texts(file, table):
        yield from _FINGERPRINTS[file.format](file, table)
    else:
        yield from read_batches(file, table)


def _has_texts(file: LandingFile, table: Table) -> bool:
    """Whether the texts of rows are their fingerprints: not where they hold what is never to be kept."""
    return file.format in _FINGERPRINTS and not table.restricted_columns


def _by_values(batch: Batch, file: LandingFile, table: Table) -> Batch:
    values = batch.frame.select([column.name for column in table.columns])
    fingerprints = Fingerprint.of(table, [file.format, "values"]).of_values(values)
    return replace(batch, frame=batch.frame.with_columns(fingerprints))


def read_lines(file: LandingFile, wanted: set[int]) -> dict[int, bytes]:
    """The raw bytes of some rows, by line; a parquet row is given as JSON."""
    return _LINES[file.format](file, wanted)
