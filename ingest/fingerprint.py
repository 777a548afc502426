"""Fingerprints of rows as delivered, by which a row that comes again is known without being read.

A fingerprint is 128 bits in two columns. They are seeds and hash of the row's text, or of its values where a format has
no text; the seeds hold all else that decides what that text means. So equal fingerprints are equal rows: a new row is
taken for one of a thousand million known ones once in 3e29. Unequal ones prove nothing: the same instant may be spelt
otherwise, or polars may hash otherwise since; then the rows themselves are compared.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import polars as pl

from ingest.contract import Table

FINGERPRINT = ("_hash", "_check")


@dataclass(frozen=True)
class Fingerprint:
    """The seeds of `_hash` and of `_check`."""

    seeds: tuple[int, int]

    @classmethod
    def of(cls, table: Table, spelling: Iterable[str]) -> Self:
        """The fingerprint of rows of a table; `spelling` says what their text means, such as format and header."""
        columns = [f"{column.name} {column.type}" for column in table.columns]
        digest = hashlib.sha256("\0".join([*spelling, "", *columns]).encode(errors="surrogateescape")).digest()
        return cls((int.from_bytes(digest[:8]), int.from_bytes(digest[8:16])))

    def of_texts(self, texts: pl.Series) -> list[pl.Series]:
        """`_hash` and `_check` of texts or bytes, without the ends of their lines."""
        return [
            texts.hash(seed).reinterpret(signed=True).alias(name)
            for name, seed in zip(FINGERPRINT, self.seeds, strict=True)
        ]

    def of_values(self, frame: pl.DataFrame) -> list[pl.Series]:
        """`_hash` and `_check` of rows of values."""
        return [
            frame.hash_rows(seed).reinterpret(signed=True).alias(name)
            for name, seed in zip(FINGERPRINT, self.seeds, strict=True)
        ]
