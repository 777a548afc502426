"""CSV as Postgres writes and reads it: a header, an empty field for null, a quoted empty field for the empty text.

A block that polars reads and writes again as the very same bytes is taken as polars reads it. In any other block, lines
without a quotation mark are split at their commas, all at once, and what is left is read record by record: 1.1, 1.8 and
10 microseconds a line of eight fields. Its fingerprint alone takes 0.3, but in a block that is read record by record.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import chain

import polars as pl

from ingest.batch import BATCH_BYTES, BOM, Batch, Refusal, RefusedError, shown, text_frame
from ingest.contract import Table
from ingest.errors import UnreadableFileError
from ingest.fingerprint import Fingerprint
from ingest.formats.lines import split_lines
from ingest.landing import LandingFile, open_bytes

# Longer than any sane text, and short enough to end the damage of a quotation mark that is never closed.
LONGEST_FIELD = 64 << 20
_FIELD = re.compile(r'(?:^|(?<=,))(?:("(?:[^"]|"")*")|[^,]*)(?=,|\r?\n?$)')
_Numbered = tuple[int, bytes]
_Rows = tuple[pl.DataFrame, list[Refusal]]


def read_batches(file: LandingFile, table: Table) -> Iterator[Batch]:
    """The records of a file, each under the number of its first line; blank lines are none."""
    return _read(file, table, _Reader.rows)


def read_fingerprints(file: LandingFile, table: Table) -> Iterator[Batch]:
    """The fingerprints of all records, whether or not they give rows."""
    return _read(file, table, _Reader.fingerprints)


def _read(
    file: LandingFile, table: Table, read_lines: Callable[["_Reader", int, bytes], Iterable[_Rows] | None]
) -> Iterator[Batch]:
    """Read block by block, by `read_lines` wherever it finds that every line of the block is a record."""
    with open_bytes(file) as (stream, raw):
        header = next(_records(enumerate(stream, 1)), None)
        if header is None:
            return
        if header.fields is None:
            raise UnreadableFileError(f"its header is not CSV ({header.problem})")
        if {*header.fields}.isdisjoint({*(column.name for column in table.columns), *table.restricted_columns}):
            raise UnreadableFileError("its first line names no column of the contract; it must be a header")
        reader = _Reader(table, header.fields)
        first = header.following
        while block := stream.read(BATCH_BYTES) + stream.readline():
            end = first + block.count(b"\n") + (not block.endswith(b"\n"))
            found = read_lines(reader, first, block)
            if found is not None:
                for frame, refusals in found:
                    yield Batch(frame, refusals, raw.tell())
                first = end
                continue
            # The last record may end beyond this block.
            numbered = enumerate(chain(BytesIO(block), stream), first)
            records = []
            for record in _records(numbered):
                records.append(record)
                first = record.following
                if first >= end:
                    break
            yield Batch(*reader.records(records), raw.tell())


def _lines(first: int, block: bytes) -> pl.DataFrame | None:
    """The lines of a block, numbered from `first`; None where a record may hold a newline, or the text is odd."""
    try:
        texts = split_lines(block).fill_null("")
    except pl.exceptions.PolarsError:
        return None
    if b"\r" in block and texts.str.contains("\r", literal=True).any():
        return None
    if b'"' in block and (texts.str.count_matches('"', literal=True) % 2 == 1).any():
        return None
    return pl.DataFrame([pl.Series("_line", range(first, first + len(texts)), pl.Int64), texts.alias("text")])


def read_lines(file: LandingFile, wanted: set[int]) -> dict[int, bytes]:
    """The bytes of some records, as delivered."""
    with open_bytes(file) as (stream, _):
        return {record.line: record.raw for record in _records(enumerate(stream, 1)) if record.line in wanted}


def read_header(file: LandingFile) -> bytes:
    """The bytes of the header, as delivered; without it no record can be read. Empty for an empty file."""
    with open_bytes(file) as (stream, _):
        header = next(_records(enumerate(stream, 1)), None)
        return header.raw if header else b""


@dataclass(frozen=True)
class _Record:
    """One record, the line it starts on and the line after it; without fields where it is not CSV."""

    line: int
    following: int
    raw: bytes
    fields: list[str] | None
    problem: str | None = None


def _records(numbered: Iterable[_Numbered]) -> Iterator[_Record]:
    csv.field_size_limit(LONGEST_FIELD)
    taken: list[_Numbered] = []

    def lines() -> Iterator[str]:
        for number, line in numbered:
            taken.append((number, line))
            # Bytes that are not UTF-8 become surrogates, which the caller finds and refuses.
            yield (line.removeprefix(BOM) if number == 1 else line).decode(errors="surrogateescape")

    reader = csv.reader(lines(), strict=True)
    while True:
        taken.clear()
        fields, problem = None, None
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = str(error)
        if fields != []:
            raw = b"".join(line for _, line in taken)
            yield _Record(taken[0][0], taken[-1][0] + 1, raw, fields, problem)


class _Reader:
    """Turns the records under one header into batches."""

    def __init__(self, table: Table, header: list[str]) -> None:
        self.table = table
        self.header = header
        self.names = [column.name for column in table.columns]
        self.fingerprint = Fingerprint.of(table, ["csv", *header])
        known = {*(column.name for column in table.columns), *table.restricted_columns}
        self.stranger = next((name for name in header if name not in known or header.count(name) > 1), None)

    def rows(self, first: int, block: bytes) -> Iterable[_Rows] | None:
        """The rows of a block whose every line, numbered from `first`, is a record; None for any other."""
        frame = self.block(first, block)
        if frame is not None:
            return [(frame, [])]
        lines = _lines(first, block)
        return None if lines is None else self.lines(lines)

    def fingerprints(self, first: int, block: bytes) -> Iterable[_Rows] | None:
        """As `rows`, without any value."""
        lines = _lines(first, block)
        if lines is None:
            return None
        lines = lines.filter(pl.col("text") != "")
        return [(lines.select("_line", *self.fingerprint.of_texts(lines["text"])), [])]

    def block(self, first: int, block: bytes) -> pl.DataFrame | None:
        """A block whose every line, numbered from `first`, is a record as polars would write it; None for any other.

        What CSV means is the same for whoever reads it by the rules, so bytes that are these values written by the
        rules hold these values, however leniently they were read.
        """
        plain = block.replace(b"\r\n", b"\n") if b"\r" in block else block
        plain = plain if plain.endswith(b"\n") else plain + b"\n"
        if self.stranger is not None or b"\r" in plain:
            return None
        try:
            frame = pl.read_csv(plain, has_header=False, schema=dict.fromkeys(self.header, pl.String))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            return None
        written = BytesIO()
        # A record that holds a newline, and a blank line, make the lines more than the rows.
        if frame.height != plain.count(b"\n"):
            return None
        frame.write_csv(written, include_header=False)
        if written.getbuffer() != plain:
            return None
        try:
            texts = split_lines(plain)
        except pl.exceptions.PolarsError:  # of NUL, which no reader minds but that of lines
            return None
        lines = pl.Series("_line", range(first, first + frame.height), pl.Int64)
        columns = (self._present(name, pl.col(name)) for name in self.names)
        return frame.select(lines, *columns, *self.fingerprint.of_texts(texts))

    def lines(self, lines: pl.DataFrame) -> Iterator[_Rows]:
        """Lines (`_line`, `text`) that are whole records each: cut at their commas where nothing is quoted."""
        is_plain = (
            (pl.lit(self.stranger is None))
            & (pl.col("text").str.count_matches(",", literal=True) == len(self.header) - 1)
            & ~pl.col("text").str.contains('"', literal=True)
        )
        lines = lines.filter(pl.col("text") != "").with_columns(is_plain.alias("is_plain"))
        plain, others = lines.filter("is_plain"), lines.filter(~pl.col("is_plain"))
        if plain.height:
            yield self.split(plain), []
        if others.height:
            rows = others.select("_line", "text").iter_rows()
            yield self.records([record for line, text in rows for record in _records([(line, text.encode())])])

    def split(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Lines without quotation marks, cut at their commas."""
        fields = lines.select(
            "_line", pl.col("text").str.split_exact(",", len(self.header) - 1).struct.rename_fields(self.header)
        ).unnest("text")
        return fields.select(
            "_line",
            *(self._present(name, pl.when(pl.col(name) != "").then(pl.col(name))) for name in self.names),
            *self.fingerprint.of_texts(lines["text"]),
        )

    def _present(self, name: str, value: pl.Expr) -> pl.Expr:
        """The value of a column that the header names, null for any other."""
        return (value if name in self.header else pl.lit(None, pl.String)).alias(name)

    def records(self, records: list[_Record]) -> _Rows:
        """Records read one by one."""
        lines, rows, texts, refusals = [], [], [], []
        for record in records:
            try:
                if self.stranger is not None:
                    reason = f"the contract has no column {shown(self.stranger)}, or it stands twice"
                    raise RefusedError("unknown_column", reason)
                rows.append(_values(record, len(self.header)))
                lines.append(record.line)
                texts.append(record.raw.removesuffix(b"\n").removesuffix(b"\r"))
            except RefusedError as error:
                refusals.append(Refusal(record.line, error.rule, str(error)))
        place = {name: index for index, name in enumerate(self.header)}
        columns = {
            column.name: [row[place[column.name]] if column.name in place else None for row in rows]
            for column in self.table.columns
        }
        fingerprints = self.fingerprint.of_texts(pl.Series(texts, dtype=pl.Binary))
        return text_frame(self.table, lines, columns).with_columns(fingerprints), refusals


def _values(record: _Record, width: int) -> list[str | None]:
    """One string per field, null where the field is empty and not quoted."""
    if record.fields is None:
        raise RefusedError("csv", f"not CSV: {record.problem}")
    if len(record.fields) != width:
        raise RefusedError("csv", f"has {len(record.fields)} fields where the header names {width}")
    if not record.raw.isascii():
        try:
            record.raw.decode()
        except UnicodeDecodeError as error:
            raise RefusedError("utf8", f"byte {error.start + 1} of the record is not UTF-8") from error
    if b'""' not in record.raw:
        return [value or None for value in record.fields]
    quoted = [match[1] is not None for match in _FIELD.finditer(record.raw.decode().removeprefix("\ufeff"))]
    return [value if value or quoted[index] else None for index, value in enumerate(record.fields)]
