"""Rows of two large tables in any number, equal for equal seeds, and the files they are delivered in.

Rows come in an endless, numbered stream, so that a history, its increments and a re-delivery speak of the same rows.
What is measured with them belongs elsewhere.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree

import numpy as np
import polars as pl

from tests.benchmarks.events import events
from tests.benchmarks.postings import postings

CHUNK = 250_000
LOAD_ID = 1
DELIVERED_ON = "2026-07-01"
# Eight and twelve calendar months, the first of them entered late enough for what arrives a day or two late.
_HISTORY_BEGINS = {
    "synapse.event_lake": datetime(2025, 11, 4, tzinfo=UTC),
    "advert_market.ledger_entries": datetime(2025, 7, 4, tzinfo=UTC),
}
_HISTORY_ENDS = datetime(2026, 6, 28, tzinfo=UTC)
_STREAMS: dict[str, Callable[[int, np.ndarray], pl.DataFrame]] = {
    "synapse.event_lake": events,
    "advert_market.ledger_entries": postings,
}


@dataclass(frozen=True)
class Rows:
    """`count` rows of a table from number `first` on, spread evenly over the time from `begin` to `end`."""

    table: str
    first: int
    count: int
    begin: datetime
    end: datetime

    def months(self) -> list[datetime]:
        """The first instant of each UTC month that the rows fall into."""
        first = self.begin.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        count = (self.end.year - first.year) * 12 + self.end.month - first.month + 1
        return [month_after(first, number) for number in range(count)]

    def chunks(self) -> Iterator[pl.DataFrame]:
        """The rows with the table's columns; ids are text, `payload` is JSON text, times are UTC microseconds."""
        begin, step = self.begin.timestamp() * 1e6, (self.end - self.begin) / timedelta(microseconds=1) / self.count
        for offset in range(0, self.count, CHUNK):
            numbers = np.arange(offset, min(offset + CHUNK, self.count))
            yield _STREAMS[self.table](self.first + offset, (begin + numbers * step).astype(np.int64))


def month_after(month: datetime, number: int = 1) -> datetime:
    """The month `number` months later."""
    years, index = divmod(month.month - 1 + number, 12)
    return month.replace(year=month.year + years, month=index + 1)


def history(table: str, count: int) -> Rows:
    """The first `count` rows, spread over the months that the table's history has."""
    return Rows(table, 0, count, _HISTORY_BEGINS[table], _HISTORY_ENDS)


def increment(of: Rows, after: int, count: int) -> Rows:
    """`count` rows of the day after a history, those that come `after` so many others in the stream."""
    return Rows(of.table, of.first + of.count + after, count, of.end, of.end + timedelta(days=1))


def write(rows: Rows, path: Path, shuffled: bool = False) -> Path:
    """Write rows as a file in the format its name ends in; `shuffled` gives the same rows in another order.

    `.copy` is what bare COPY takes: CSV without header, each row with a load id, nothing left to judge.
    """
    chunks = _shuffled(rows) if shuffled else rows.chunks()
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        _write_parquet(chunks, path)
        return path
    encode = {".ndjson": _ndjson, ".csv": _csv, ".copy": _copy}[path.suffix]
    with path.open("w", encoding="utf-8") as stream:
        for number, chunk in enumerate(chunks):
            stream.write(encode(chunk, number == 0))
    return path


def _shuffled(rows: Rows) -> Iterator[pl.DataFrame]:
    for number, chunk in enumerate(reversed(list(rows.chunks()))):
        yield chunk.sample(fraction=1, shuffle=True, seed=number)


def _write_parquet(chunks: Iterator[pl.DataFrame], path: Path) -> None:
    parts = path.with_suffix(".parts")
    parts.mkdir()
    for number, chunk in enumerate(chunks):
        chunk.write_parquet(parts / f"{number:06}.parquet", compression="lz4")
    pl.scan_parquet(parts).sink_parquet(path, compression="zstd")
    rmtree(parts)


def _ndjson(chunk: pl.DataFrame, _first: bool) -> str:
    """One object a line, spelt and spaced as `json.dumps` does."""
    fields = [
        pl.concat_str(pl.lit(f'"{name}": '), _json_value(name, kind).fill_null("null"))
        for name, kind in chunk.schema.items()
    ]
    lines = chunk.select(pl.concat_str(pl.lit("{"), pl.concat_str(fields, separator=", "), pl.lit("}\n")))
    return "".join(lines.to_series())


def _json_value(name: str, kind: pl.DataType) -> pl.Expr:
    if kind == pl.Datetime:
        return pl.format('"{}"', _text_of_time(name))
    if kind != pl.String:
        return pl.col(name).cast(pl.String)
    return (
        pl.col(name) if name == "payload" else pl.format('"{}"', pl.col(name).str.replace_all('"', '\\"', literal=True))
    )


def _csv(chunk: pl.DataFrame, first: bool) -> str:
    times = [_text_of_time(name) for name, kind in chunk.schema.items() if kind == pl.Datetime]
    return chunk.with_columns(times).write_csv(include_header=first)


def _copy(chunk: pl.DataFrame, _first: bool) -> str:
    return _csv(chunk.with_columns(pl.lit(LOAD_ID).alias("_load_id")), False)


def _text_of_time(name: str) -> pl.Expr:
    return pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
