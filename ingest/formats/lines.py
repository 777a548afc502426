"""The lines of a block of text, all at once."""

import polars as pl


def split_lines(block: bytes) -> pl.Series:
    """The lines without their ends, LF or CRLF; null where one is empty.

    An error of polars where one is not UTF-8 or holds NUL. A quarter of the time it takes Python to make each a text.
    """
    # A line before them, because polars would take a byte order mark off the first.
    lines = pl.read_csv(
        b"\n" + block, has_header=False, schema={"line": pl.String}, separator="\0", quote_char=None
    ).to_series()
    return lines[1:]
