"""The client that is measured for dlt; it runs in the peers' environment and imports nothing of Tally.

Run as `python dlt_load.py WAY FILE DATABASE_URL TABLE KEY`. The rows go to table `bench.TABLE` in one of these ways:

default     rows as dicts in pages of a thousand, appended, nothing configured
merge       the same rows with typed columns, merged by key, and tuned as dlt's page on performance says: files
            rotated, CSV for COPY, two workers to normalise and two to load
arrow       Arrow batches, appended by COPY of CSV
adbc        Arrow batches, appended by binary COPY of the ADBC driver
adbc-merge  Arrow batches by the same driver, merged by key

Those with Arrow judge no value. The merges use `insert-only`, the strategy for rows that never change; with 500,000
rows it was as fast as dlt's default, `delete-insert`, or faster. They find duplicates, not contradictions.
"""

import csv
import json
import os
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

PAGE, BATCH, ROTATION = 1_000, 100_000, 50_000
TUNED = {
    "EXTRACT__DATA_WRITER__BUFFER_MAX_ITEMS": 10 * PAGE,
    "NORMALIZE__DATA_WRITER__BUFFER_MAX_ITEMS": 10 * PAGE,
    "EXTRACT__DATA_WRITER__FILE_MAX_ITEMS": ROTATION,
    "NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS": ROTATION,
    "NORMALIZE__WORKERS": 2,
    "LOAD__WORKERS": 2,
}
TYPES = {"payload": "json", "timestamp": "timestamp", "created_at": "timestamp", "amount_nano": "bigint"}
LOADER_FILES = {"merge": "csv", "arrow": "csv", "adbc": "parquet", "adbc-merge": "parquet"}


def pages(file: Path) -> Iterator[list[dict[str, Any]]]:
    """The rows as dicts, a thousand at a time."""
    import orjson

    with file.open(encoding="utf-8", newline="") as stream:
        rows = map(orjson.loads, stream) if file.suffix == ".ndjson" else csv.DictReader(stream)
        while page := list(islice(rows, PAGE)):
            yield page


def batches(file: Path) -> Iterator[Any]:
    """The rows as Arrow tables."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    if file.suffix == ".parquet":
        read: Any = pyarrow.parquet.ParquetFile(file).iter_batches(batch_size=BATCH)
    else:
        read = pyarrow.csv.open_csv(file, pyarrow.csv.ReadOptions(block_size=16 << 20))
    for batch in read:
        yield pa.Table.from_batches([batch])


def resource(way: str, file: Path, table: str, key: str) -> Any:
    """The rows of the file with whatever the way says of them."""
    import dlt

    hints: dict[str, Any] = {"name": table, "write_disposition": "append"}
    if way.endswith("merge"):
        hints |= {"write_disposition": {"disposition": "merge", "strategy": "insert-only"}, "primary_key": key}
    if way == "merge":
        names = next(pages(file))[0]
        hints["columns"] = {name: {"data_type": kind} for name, kind in TYPES.items() if name in names}
    return dlt.resource(batches(file) if way.startswith(("arrow", "adbc")) else pages(file), **hints)


def main(way: str, file: str, url: str, table: str, key: str) -> None:
    if way == "merge":
        os.environ |= {name: str(value) for name, value in TUNED.items()}
    import dlt

    pipeline = dlt.pipeline("bench", destination=dlt.destinations.postgres(url), dataset_name="bench")
    rows = resource(way, Path(file), table, key)
    began = time.perf_counter()
    pipeline.run(rows, loader_file_format=LOADER_FILES.get(way))
    print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main(*sys.argv[1:])
