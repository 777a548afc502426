"""How results look on a terminal: tables, amounts and counts."""

import os
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

NO_WIDTH = 10_000
GAP = 2  # between two columns
FEW_COLUMNS = 3  # so many have room on any terminal, if only their texts wrap


def console() -> Console:
    """The terminal; what is piped elsewhere is neither cut nor folded to a width nobody has."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=NO_WIDTH)


@contextmanager
def until_read_enough() -> Iterator[None]:
    """Print for as long as anybody reads; whoever has seen enough, as `head` has, ends the block without an error."""
    try:
        yield
    except BrokenPipeError:
        # Python would complain again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def plural(count: int, noun: str) -> str:
    """The count with its noun: `1 file`, `1,204 files`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def amount(value: Decimal | int | None, unit: str | None = None) -> str:
    """An exact amount with thousands separators and its unit; empty for none."""
    return "" if value is None else f"{_number(value, separators=True)} {unit or ''}".strip()


@dataclass(frozen=True)
class Rows:
    """Rows under their columns; where the terminal has no room for that, without the `spare` ones, and where there is
    none for the others either, each row by itself, a column to a line."""

    title: str | None
    columns: Sequence[str]
    cells: Sequence[Sequence[str]]
    numeric: Sequence[bool]
    spare: Collection[str] = ()

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        if self.title:
            yield Text(self.title, style="bold")
        columns = self.columns
        if sum(self._widths(columns)) > options.max_width:
            columns = [name.replace(" ", "\n") for name in columns]
        if len(columns) <= FEW_COLUMNS or self._least_width(columns) <= options.max_width:
            yield self._table(columns)
        elif self.spare:
            yield self._without_spare()
        else:
            yield from self._records()

    def _without_spare(self) -> "Rows":
        kept = [place for place, name in enumerate(self.columns) if name not in self.spare]
        columns, numeric = [self.columns[place] for place in kept], [self.numeric[place] for place in kept]
        return Rows(None, columns, [[row[place] for place in kept] for row in self.cells], numeric)

    def _table(self, columns: Sequence[str]) -> Table:
        """One column may wrap: of many, the widest alone has words enough for it."""
        made = Table(header_style="bold", box=None, pad_edge=False)
        widths = self._widths(columns)
        for name, width, numeric in zip(columns, widths, self.numeric, strict=True):
            whole = len(columns) > FEW_COLUMNS and width < max(widths)
            made.add_column(name, justify="right" if numeric else "left", overflow="fold", no_wrap=whole)
        for row in self.cells:
            made.add_row(*map(Text, row))
        return made

    def _records(self) -> Iterator[Table | Text]:
        for number, row in enumerate(self.cells):
            if number:
                yield Text()
            record = Table.grid(padding=(0, GAP, 0, 0))
            record.add_column(style="bold", no_wrap=True)
            record.add_column(overflow="fold")
            for name, cell in zip(self.columns, row, strict=True):
                record.add_row(Text(name), Text(cell))
            yield record

    def _widths(self, columns: Sequence[str]) -> list[int]:
        """What each column takes, with the gap after all but the last."""
        widths = [max(map(_width, [name, *self._column(place)])) for place, name in enumerate(columns)]
        return [width + GAP for width in widths[:-1]] + widths[-1:]

    def _least_width(self, columns: Sequence[str]) -> int:
        """What the table takes when the texts of its widest column wrap, and none of their words is cut."""
        widths = self._widths(columns)
        widest = max(widths)
        words = [word for cell in self._column(widths.index(widest)) for word in cell.split()]
        return sum(widths) - widest + min(widest, max(map(_width, words), default=0) + GAP)

    def _column(self, place: int) -> list[str]:
        return [row[place] for row in self.cells]


def table(
    title: str | None,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    separators: bool = True,
    spare: Collection[str] = (),
) -> Rows:
    """A table; numbers are set flush right, nothing is shortened. `separators` groups their digits by thousands."""
    shown = list(rows)
    numeric = [
        bool(shown) and all(isinstance(row[place], int | Decimal | None) for row in shown)
        for place in range(len(columns))
    ]
    return Rows(title, columns, [[_cell(value, separators) for value in row] for row in shown], numeric, spare)


def _width(text: str) -> int:
    return max(map(cell_len, text.expandtabs().split("\n")))


def _cell(value: object, separators: bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return _number(value, separators)
    return "" if value is None else str(value)


def _number(value: int | Decimal, separators: bool) -> str:
    """All its digits, never an exponent."""
    comma = "," if separators else ""
    return format(value, f"{comma}f") if isinstance(value, Decimal) else format(value, f"{comma}d")
