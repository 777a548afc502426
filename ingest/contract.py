"""What the contracts say, as frozen tables and columns: the single source of every table's shape.

DDL, partitions, validation, COPY columns, Dagster assets and dbt sources derive from these objects. Nothing here
knows how they are used.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Literal, cast, get_args

from ingest.contract_file import Step, line_of, read_document
from ingest.errors import ConfigurationError, ContractError

LoadMode = Literal["append", "upsert", "replace"]


@dataclass(frozen=True)
class Column:
    """One column; `type` is the Postgres spelling, verbatim."""

    name: str
    type: str
    required: bool
    description: str
    classification: str | None
    allowed: tuple[str, ...]
    minimum: int | None
    maximum: int | None
    references: tuple[str, str] | None

    @property
    def restricted(self) -> bool:
        """True when the value is dropped at the door and never reaches Postgres."""
        return self.classification == "restricted"


@dataclass(frozen=True)
class SaneWindow:
    """The instants a partition column may hold: from a day (inclusive) to some days after the delivery."""

    first_day: date
    days_after_delivery: int


@dataclass(frozen=True)
class Table:
    """One table of one system. `key` holds across partitions; `columns` leaves the restricted ones out."""

    system: str
    name: str
    description: str
    columns: tuple[Column, ...]
    restricted_columns: tuple[str, ...]
    key: tuple[str, ...]
    load_mode: LoadMode
    event_time: str | None
    partition_column: str | None
    sane_window: SaneWindow | None
    retention_months: int | None
    indexes: tuple[str, ...]
    private: bool
    history: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """The Postgres schema the table lives in."""
        return f"raw_{self.system}"

    @property
    def version_column(self) -> str | None:
        """The column that says which of two versions of a row is newer, if the source keeps one."""
        return "updated_at" if any(column.name == "updated_at" for column in self.columns) else None

    @property
    def newest_delivery_wins(self) -> bool:
        """True when content that comes again later is news: in between the source may have gone another way."""
        return self.load_mode != "append"

    @property
    def registers_keys(self) -> bool:
        """True when a registry holds every key; the key of a version names the load that brought it and needs none."""
        return self.load_mode == "append" and "_load_id" not in self.key


@dataclass(frozen=True)
class System:
    """One operational system; `tables` come parents first, private ones left out of it."""

    name: str
    description: str
    path: Path
    tables: tuple[Table, ...]
    private_tables: tuple[Table, ...] = field(default=())


def read_contracts(folders: Iterable[Path]) -> tuple[System, ...]:
    """Every `*.odcs.yaml` of the folders, in the order of their names; a system described twice is an error."""
    systems: dict[str, System] = {}
    for path in sorted((path for folder in folders for path in folder.iterdir()), key=lambda p: p.name):
        if not path.name.endswith(".odcs.yaml"):
            _refuse_hidden_contract(path)
            continue
        system = read_contract(path)
        if system.name in systems:
            first = systems[system.name].path
            raise ConfigurationError(f"System {system.name} is described by both {first} and {path}; keep one of them.")
        systems[system.name] = system
    return tuple(systems.values())


def _refuse_hidden_contract(path: Path) -> None:
    """Other YAML is nobody's business, but a contract under another name would be passed over without a word."""
    is_yaml = path.suffix in (".yaml", ".yml") and path.is_file()
    if is_yaml and re.search(
        r"^kind: *['\"]?DataContract\b", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE
    ):
        raise ContractError(path, 1, "a contract's name must end in .odcs.yaml; rename it.")


def unknown_type(system: System, table: Table, column: Column) -> ContractError:
    """What to say of a column whose type Postgres does not know: only a database can tell."""
    items = read_document(system.path)["schema"]
    names = [item["name"] for item in items]
    columns = [item["name"] for item in items[names.index(table.name)]["properties"]]
    where: list[Step] = ["schema", names.index(table.name), "properties", columns.index(column.name), "physicalType"]
    problem = f"Postgres knows no type {column.type}; correct the physicalType of {column.name}."
    return ContractError(system.path, line_of(system.path, where), problem)


def read_contract(path: Path) -> System:
    """The system that one contract file describes; ContractError names file and line of what is wrong."""
    document = read_document(path)
    return _Reader(path, document).system()


_TABLE_PROPERTIES = {
    "loadMode",
    "partitionInterval",
    "retentionMonths",
    "eventTime",
    "saneWindow",
    "history",
    "indexes",
    "private",
}


class _Reader:
    """Turns one validated document into a System, strictly: what Tally does not understand is refused."""

    def __init__(self, path: Path, document: Mapping[str, Any]) -> None:
        self.path = path
        self.document = document

    def refuse(self, where: list[Step], problem: str) -> ContractError:
        return ContractError(self.path, line_of(self.path, where), problem)

    def system(self) -> System:
        name = self.document.get("name")
        if not isinstance(name, str) or not name.isidentifier():
            raise self.refuse(["name"], "`name` must be the system's name: letters, digits and underscores.")
        tables = [self.table(name, index, item) for index, item in enumerate(self.document.get("schema") or ())]
        names = {table.name for table in tables}
        for table in tables:
            if table.history and f"{table.name}_versions" in names:
                raise self.refuse(
                    ["schema"], f"the history of {table.name} is kept as {table.name}_versions; rename it."
                )
        purpose = (self.document.get("description") or {}).get("purpose", "")
        return System(
            name=name,
            description=str(purpose).strip(),
            path=self.path,
            tables=self.parents_first([table for table in tables if not table.private]),
            private_tables=tuple(table for table in tables if table.private),
        )

    def parents_first(self, tables: list[Table]) -> tuple[Table, ...]:
        by_name = {table.name: table for table in tables}
        order: TopologicalSorter[str] = TopologicalSorter()
        for table in tables:
            parents = [column.references[0] for column in table.columns if column.references]
            missing = next((parent for parent in parents if parent not in by_name), None)
            if missing:
                raise self.refuse(["schema"], f"{table.name} refers to table {missing}, which is not described here.")
            order.add(table.name, *(parent for parent in parents if parent != table.name))
        try:
            return tuple(by_name[name] for name in order.static_order())
        except CycleError as error:
            raise self.refuse(["schema"], f"relationships run in a circle: {' → '.join(error.args[1])}.") from error

    def table(self, system: str, index: int, item: Mapping[str, Any]) -> Table:
        where: list[Step] = ["schema", index]
        own = self.custom_properties(where, item)
        columns = [
            self.column([*where, "properties", i], column) for i, column in enumerate(item.get("properties") or ())
        ]
        partitioned = [c["name"] for c in item.get("properties") or () if c.get("partitioned")]
        private = own.get("private") is True
        mode = own.get("loadMode")
        if not private and mode not in get_args(LoadMode):
            raise self.refuse(where, f"{item['name']}: loadMode must be one of {', '.join(get_args(LoadMode))}.")
        table = Table(
            system=system,
            name=item["name"],
            description=str(item.get("description", "")).strip(),
            columns=tuple(column for column in columns if not column.restricted),
            restricted_columns=tuple(column.name for column in columns if column.restricted),
            key=self.key(item),
            load_mode=cast(LoadMode, mode if not private else "append"),
            event_time=own.get("eventTime"),
            partition_column=partitioned[0] if partitioned else None,
            sane_window=self.sane_window(where, own.get("saneWindow")),
            retention_months=own.get("retentionMonths"),
            indexes=tuple(own.get("indexes") or ()),
            private=private,
            history=tuple(own.get("history") or ()),
        )
        if not private:
            self.check_table(where, table, own)
            self.check_history(where, table)
        return table

    def check_table(self, where: list[Step], table: Table, own: Mapping[str, Any]) -> None:
        names = {column.name: column for column in table.columns}
        if not table.key:
            raise self.refuse(where, f"{table.name} has no primaryKey column, so a repeated row could not be told.")
        for name in table.key:
            if name not in names or not names[name].required:
                raise self.refuse(where, f"{table.name}: key column {name} must be required and not restricted.")
        if table.event_time and table.event_time not in names:
            raise self.refuse(where, f"{table.name}: eventTime names {table.event_time}, which is not a column.")
        whole = (table.partition_column, own.get("partitionInterval"), table.sane_window)
        if any(whole) and not all(whole):
            raise self.refuse(
                where,
                f"{table.name}: a partitioned column, partitionInterval and saneWindow belong together.",
            )
        if own.get("partitionInterval") not in (None, "month"):
            raise self.refuse(where, f"{table.name}: partitionInterval must be month.")
        if table.partition_column and not names[table.partition_column].required:
            raise self.refuse(where, f"{table.name}: partition column {table.partition_column} must be required.")

    def check_history(self, where: list[Step], table: Table) -> None:
        names = {column.name for column in table.columns}
        for name in table.history:
            if name not in names:
                raise self.refuse(where, f"{table.name}: history names {name}, which is not a column.")
        if table.history and table.load_mode != "upsert":
            raise self.refuse(where, f"{table.name}: only a table with loadMode upsert has a history to keep.")

    def key(self, item: Mapping[str, Any]) -> tuple[str, ...]:
        columns = [c for c in item.get("properties") or () if c.get("primaryKey")]
        return tuple(c["name"] for c in sorted(columns, key=lambda c: c.get("primaryKeyPosition", 0)))

    def custom_properties(self, where: list[Step], item: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for index, custom in enumerate(item.get("customProperties") or ()):
            name = custom["property"]
            if name not in _TABLE_PROPERTIES:
                line = [*where, "customProperties", index, "property"]
                known = ", ".join(sorted(_TABLE_PROPERTIES))
                raise self.refuse(line, f"unknown custom property {name!r}; Tally knows {known}.")
            found[name] = custom.get("value")
        return found

    def sane_window(self, where: list[Step], value: Any) -> SaneWindow | None:
        if value is None:
            return None
        try:
            return SaneWindow(date.fromisoformat(value["from"]), int(value["daysAfterDelivery"]))
        except (KeyError, TypeError, ValueError) as error:
            raise self.refuse(where, "saneWindow must be {from: YYYY-MM-DD, daysAfterDelivery: N}.") from error

    def column(self, where: list[Step], item: Mapping[str, Any]) -> Column:
        if not item.get("physicalType"):
            raise self.refuse(where, f"column {item['name']} needs a physicalType, the Postgres type verbatim.")
        options = item.get("logicalTypeOptions") or {}
        return Column(
            name=item["name"],
            type=item["physicalType"].lower(),
            required=item.get("required") is True,
            description=str(item.get("description", "")).strip(),
            classification=item.get("classification"),
            allowed=self.allowed(item),
            minimum=options.get("minimum"),
            maximum=options.get("maximum"),
            references=self.references(where, item),
        )

    def allowed(self, item: Mapping[str, Any]) -> tuple[str, ...]:
        for check in item.get("quality") or ():
            if check.get("metric") == "invalidValues":
                return tuple(check["arguments"]["validValues"])
        return ()

    def references(self, where: list[Step], item: Mapping[str, Any]) -> tuple[str, str] | None:
        for relationship in item.get("relationships") or ():
            table, dot, column = str(relationship.get("to")).partition(".")
            if not dot:
                raise self.refuse([*where, "relationships"], f"relationship of {item['name']} must be `table.column`.")
            return table, column
        return None
