"""The rows in `ingest.quarantine`: which of them are meant, and what only the file they came in could tell later.

`load` puts them there and `replay` takes them out.
"""

import csv
import json
from dataclasses import dataclass
from io import StringIO
from itertools import islice

from psycopg import Connection, sql

from ingest.batch import BOM
from ingest.contract import Table
from ingest.landing import LandingFile

_ROWS_AT_A_TIME = 100_000


@dataclass(frozen=True)
class Selection:
    """Some rows in quarantine: of a system, a table, a rule, or by their ids; all of them where nothing is said."""

    system: str | None = None
    table: str | None = None
    rule: str | None = None
    ids: tuple[int, ...] = ()

    @property
    def parameters(self) -> dict[str, object]:
        """What `SELECTED` is filled with."""
        return {"system": self.system, "table": self.table, "rule": self.rule, "ids": list(self.ids) or None}


SELECTED = """
    (%(system)s::text is null or q.system = %(system)s)
    and (%(table)s::text is null or q.table_name = %(table)s)
    and (%(rule)s::text is null or q.rule = %(rule)s)
    and (%(ids)s::bigint[] is null or q.quarantine_id = any(%(ids)s))
"""


def note_standing_lines(connection: Connection, table: Table, file: LandingFile, load_id: int) -> None:
    """Note beside each refused row which line of its file stands under its key; reads `arriving` and `fate`.

    Of two rows of one file and key, of equal age by their clock, the later stands. Once the file is loaded nothing
    else tells which was later, and a refused row may fit one day.
    """
    if table.load_mode == "append":
        return  # there a key's first row stands, whatever comes later
    header = connection.execute("select header from ingest.loads where load_id = %s", (load_id,)).fetchall()[0][0]
    with connection.cursor("refused") as rows:
        rows.itersize = _ROWS_AT_A_TIME
        rows.execute(
            "select quarantine_id, raw from ingest.quarantine"
            " where system = %s and table_name = %s and load_id = %s and raw is not null",
            (table.system, table.name, load_id),
            binary=True,
        )
        keyed = ((key_id, key) for key_id, raw in rows if (key := _key(table, file.format, header, raw)))
        while batch := list(islice(keyed, _ROWS_AT_A_TIME)):
            _note(connection, table, batch)


def _note(connection: Connection, table: Table, keyed: list[tuple[int, tuple[str, ...]]]) -> None:
    types = {column.name: column.type for column in table.columns}
    # A text that is no value of the key's type is the key of no row.
    same_key = sql.SQL(" and ").join(
        sql.SQL("a.{name} = case when pg_input_is_valid(r.{name}, {type}) then r.{name}::{sql_type} end").format(
            name=sql.Identifier(name), type=types[name], sql_type=sql.SQL(types[name])
        )
        for name in table.key
    )
    connection.execute(
        sql.SQL(
            "update ingest.quarantine q set standing_line = a._line"
            " from unnest(%s::bigint[], {arrays}) as r (quarantine_id, {names}), arriving a join fate f using (_line)"
            " where q.quarantine_id = r.quarantine_id and f.apply and {same_key}"
            " and q.standing_line is distinct from a._line"
        ).format(
            arrays=sql.SQL(", ").join(sql.SQL("%s::text[]") for _ in table.key),
            names=sql.SQL(", ").join(map(sql.Identifier, table.key)),
            same_key=same_key,
        ),
        ([key_id for key_id, _ in keyed], *(list(values) for values in zip(*(key for _, key in keyed), strict=True))),
    )


def _key(table: Table, kind: str, header: bytes | None, raw: bytes) -> tuple[str, ...] | None:
    """The texts of the key's columns; None where the row is too broken to have them."""
    try:
        row = _csv_row(header or b"", raw) if kind == "csv" else json.loads(raw, parse_int=str, parse_float=str)
        key = tuple(row[name] for name in table.key)
        return key if all(_is_storable(text) for text in key) else None
    except (ValueError, LookupError, TypeError, RecursionError, StopIteration, csv.Error):
        return None


def _csv_row(header: bytes, raw: bytes) -> dict[str, str]:
    texts = (StringIO(text.decode(), newline="\n") for text in (header.removeprefix(BOM), raw))
    names, values = (next(csv.reader(text)) for text in texts)
    return dict(zip(names, values, strict=True))


def _is_storable(text: object) -> bool:
    """True for text that Postgres takes: without NUL and without half a character."""
    return isinstance(text, str) and "\0" not in text and bool(text.encode() or True)
