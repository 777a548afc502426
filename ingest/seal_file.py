"""The seal file: the roots of every seal, outside the database, one JSON object a line, each naming the line before.

    {"tally_seal":1,"seal":2,"sealed_at":"2026-06-02T04:50:00Z","previous":"<sha256 of line 1>","archived":[],
     "tables":[{"system":"funpot","table":"votes","key":["id"],"columns":["amount",…],"personal":[],
                "upto_load":31,"refused_rows":0,"trees":[{"month":"2026-06","rows":812,"root":"<hex>"}]}]}

`previous` is null in the first line, `month` in tables without partitions. A tree is over the rows that the seal found
and no seal before it had, of loads up to `upto_load`; `refused_rows` of these loads were in quarantine as rejected,
and no more can come by replay.

A line is written aside before the database commits and is appended after: a seal that was interrupted is finished or
forgotten by whoever opens the file next, as the database has it.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from ingest.settings import Settings

FORMAT = 1


@dataclass(frozen=True)
class Tree:
    """The root over the rows of one month of a table (`YYYY-MM`; None without partitions)."""

    month: str | None
    rows: int
    root: str


@dataclass(frozen=True)
class SealedTable:
    """What one seal says of one table."""

    system: str
    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    personal: tuple[str, ...]
    upto_load: int
    refused_rows: int
    trees: tuple[Tree, ...]


@dataclass(frozen=True)
class Archived:
    """A month that was taken out of its table on purpose."""

    system: str
    table: str
    month: str


@dataclass(frozen=True)
class Seal:
    """One line of the file; `digest` is that of its bytes, the newline included, as the next line names it."""

    seal: int
    sealed_at: str
    previous: str | None
    tables: tuple[SealedTable, ...]
    archived: tuple[Archived, ...] = ()
    digest: str = ""

    def line(self) -> bytes:
        """The line itself; the digest is over it and no part of it."""
        content = {name: value for name, value in asdict(self).items() if name != "digest"}
        text = json.dumps({"tally_seal": FORMAT} | content, ensure_ascii=False, separators=(",", ":"))
        return text.encode() + b"\n"


@dataclass(frozen=True)
class Break:
    """A line that is not what it was when the line after it was written, or that the file lost."""

    seal: int
    problem: str


@dataclass(frozen=True)
class SealFile:
    """The file and the one beside it in which a line waits for the database's commit."""

    path: Path

    @classmethod
    def of(cls, settings: Settings) -> "SealFile":
        """The warehouse's own."""
        return cls(settings.make_home() / "seals.jsonl")

    @property
    def waiting(self) -> Path:
        """Where a line waits."""
        return self.path.with_name(f"{self.path.name}.waiting")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One process at a time reads or writes the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_name(f"{self.path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def settle(self, is_committed: Callable[[int, str], bool]) -> None:
        """Finish or forget a seal that was interrupted: `is_committed` tells whether the database has it."""
        if not self.waiting.exists():
            return
        line = self.waiting.read_bytes()
        # A line that is not whole was not yet to be committed.
        whole = line.endswith(b"\n") and not self._bytes().endswith(line)
        if whole and is_committed(_parse(line).seal, _digest(line)):
            self._append(line)
        self.waiting.unlink()

    def announce(self, seal: Seal) -> Seal:
        """Write the line aside, before the database commits the seal; the seal with the digest of its line."""
        with self.waiting.open("wb") as file:
            file.write(seal.line())
            file.flush()
            os.fsync(file.fileno())
        return replace(seal, digest=_digest(seal.line()))

    def confirm(self) -> None:
        """Append the line that waits, now that the database has committed its seal."""
        self._append(self.waiting.read_bytes())
        self.waiting.unlink()

    def read(self) -> tuple[list[Seal], list[Break]]:
        """The seals of the file, and where its chain is broken."""
        seals: list[Seal] = []
        breaks: list[Break] = []
        before = None
        for number, line in enumerate(self._bytes().split(b"\n")[:-1], 1):
            try:
                seal = _parse(line + b"\n")
            except (ValueError, KeyError, TypeError) as error:
                breaks.append(Break(number, f"line {number} is no seal ({' '.join(str(error).split())})"))
            else:
                if seal.previous != before:
                    breaks.append(Break(number, f"line {number} does not follow the line before it"))
                if seal.seal != number:
                    breaks.append(Break(number, f"line {number} calls itself seal {seal.seal}"))
                seals.append(seal)
            before = _digest(line + b"\n")
        return seals, breaks

    def _bytes(self) -> bytes:
        return self.path.read_bytes() if self.path.exists() else b""

    def _append(self, line: bytes) -> None:
        """Add the line, in place of a beginning of it that a crash left."""
        whole, _, torn = self._bytes().rpartition(b"\n")
        with self.path.open("r+b" if self.path.exists() else "w+b") as file:
            file.seek(0, os.SEEK_END)
            if torn and line.startswith(torn):
                file.seek(len(whole) + bool(whole))
                file.truncate()
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def _digest(line: bytes) -> str:
    return sha256(line).hexdigest()


def _parse(line: bytes) -> Seal:
    """The seal of a line; ValueError, KeyError or TypeError when it is none."""
    found = json.loads(line)
    if found["tally_seal"] != FORMAT:
        raise ValueError(f"its format is {found['tally_seal']}, not {FORMAT}")
    return Seal(
        seal=int(found["seal"]),
        sealed_at=found["sealed_at"],
        previous=found["previous"],
        tables=tuple(_table(table) for table in found["tables"]),
        archived=tuple(Archived(**archived) for archived in found["archived"]),
        digest=_digest(line),
    )


def _table(found: dict[str, Any]) -> SealedTable:
    lists = {name: tuple(found[name]) for name in ("key", "columns", "personal")}
    return SealedTable(**found | lists | {"trees": tuple(Tree(**tree) for tree in found["trees"])})
