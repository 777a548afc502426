"""What the seals of a file say of one table: its trees, the loads each took in, the months that were archived."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from ingest.contract import Table
from ingest.seal_file import Seal, Tree

Place = tuple[int, date | None]  # of a tree: its seal, and the first day of its month


@dataclass
class History:
    """The seals of one table.

    `loads` are, by seal, the load after which and the one up to which it took rows in; up to `upto_load` all are
    sealed, and of these loads `refused_rows` may have come by replay since.
    """

    trees: dict[Place, Tree] = field(default_factory=dict)
    loads: dict[int, tuple[int, int]] = field(default_factory=dict)
    upto_load: int = 0
    refused_rows: int = 0
    archived: set[date | None] = field(default_factory=set)

    @property
    def rows(self) -> int:
        """How many rows are sealed."""
        return sum(tree.rows for tree in self.trees.values())

    def took_in(self, seal: int, load: int) -> bool:
        """True when rows of the load were sealed by this seal, unless they came by replay."""
        after, upto = self.loads.get(seal, (0, 0))
        return after < load <= upto


def history(seals: Sequence[Seal], table: Table) -> History:
    """The history of a table."""
    found = History()
    for seal in seals:
        for sealed in seal.tables:
            if (sealed.system, sealed.table) == (table.system, table.name):
                found.trees |= {(seal.seal, first_day(tree.month)): tree for tree in sealed.trees}
                found.loads[seal.seal] = found.upto_load, sealed.upto_load
                found.upto_load, found.refused_rows = sealed.upto_load, sealed.refused_rows
        found.archived |= {
            first_day(one.month) for one in seal.archived if (one.system, one.table) == (table.system, table.name)
        }
    return found


def month_name(month: date | None) -> str | None:
    """A month as the seal file has it."""
    return f"{month:%Y-%m}" if month else None


def first_day(month: str | None) -> date | None:
    """The month of a name as lists have it."""
    return date.fromisoformat(f"{month}-01") if month else None
