"""How results look on a terminal: tables, amounts and counts."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

NO_WIDTH = 10_000


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


def table(
    title: str | None, columns: Sequence[str], rows: Iterable[Sequence[object]], separators: bool = True
) -> Table:
    """A table; numbers are set flush right, nothing is shortened. `separators` groups their digits by thousands."""
    shown = list(rows)
    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    for position, name in enumerate(columns):
        numeric = bool(shown) and all(isinstance(row[position], int | Decimal | None) for row in shown)
        made.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in shown:
        made.add_row(*(Text(_cell(value, separators)) for value in row))
    return made


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
