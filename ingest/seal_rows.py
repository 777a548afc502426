"""A row as a seal sees it: spelt in one way only, hashed, and listed beside the table it stands in.

Every append table has a list, `seals_<system>.<table>`: of each sealed row its key, its load, the seal and the hash of
its content. A content is a JSON object without spaces, of every column but the key that is not null, by name:

    {"account_id":"ESCROW:7","amount_nano":"5","created_at":"2026-05-31T23:59:59.999999"}

Values are strings whatever their type: numbers without trailing zeros, instants in UTC, floats and bytes as
hexadecimal, so that no setting of a session, no order of columns and no widening of a type changes them, and a column
that comes later and is null is as one that is not there. The key is spelt likewise, with the row's load:
{"_load_id":"12","id":"…"}. The leaf is sha256(0x00 ‖ key ‖ sha256(content)): two rows that swapped contents show it.

A personal column (classified confidential, and no part of the key) enters as a commitment,
"note":{"sha256":"…"}, which hashes the row's salt, 16 random bytes, and what would stand there otherwise. The list
keeps commitment and salt; a person is erased by making the value null and the salt too, and the leaf stays what it was.

All of it is SQL, since Postgres makes contents and leaves in 3.3 microseconds a row without moving it: 5 million ledger
entries take 48 seconds of processor time to seal, 36 to verify, and their list 40 % of the table's room. Binary instead
of text would hash in half the time, and nobody could read it.
"""

import json
from collections.abc import Iterable

from psycopg import Connection, sql

from ingest.contract import Column, System, Table

MONTH, SEAL, LOAD, CONTENT, SALT = "_month", "_seal", "_load_id", "_content", "_salt"
# The transaction that had written the row when it was sealed. One that has the same now was not touched since, which
# spares the gates three quarters of their work; verifying does not ask.
VERSION = "_version"
# What a session may set that a value's text depends on; only types that no contract of ours uses have such a text.
_PLAIN_SESSION = {
    "search_path": "pg_catalog",
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
}
_NEUTRAL = {"jsonb": "'{}'::jsonb", "text": "''", "varchar": "''"}  # an erased value that may not be null


def sealable(systems: Iterable[System]) -> list[Table]:
    """The tables whose rows are for ever."""
    return [table for system in systems for table in system.tables if table.registers_keys]


def list_of(table: Table) -> sql.Identifier:
    """The list of the table's sealed rows."""
    return sql.Identifier(f"seals_{table.system}", table.name)


def personal_columns(table: Table) -> tuple[Column, ...]:
    """The columns that enter as commitments."""
    return tuple(c for c in table.columns if c.classification == "confidential" and c.name not in table.key)


def list_columns(table: Table) -> tuple[str, ...]:
    """The columns of the list."""
    own = ((MONTH,) if table.partition_column else ()) + (SEAL, *table.key, LOAD, VERSION, CONTENT)
    personal = [column.name for column in personal_columns(table)]
    return (*own, SALT, *personal) if personal else own


def use_plain_session(connection: Connection) -> None:
    """Let nothing that a session may set have a say, to the end of the transaction."""
    for name, value in _PLAIN_SESSION.items():
        connection.execute("select pg_catalog.set_config(%s, %s, true)", (name, value))


def month_of(table: Table, row: str) -> sql.Composable:
    """The month of a row as lists name it: its first day, in UTC."""
    column = sql.Identifier(row, table.partition_column or "")
    return sql.SQL("date_trunc('month', {} at time zone 'UTC')::date").format(column)


def key_columns(table: Table, row: str) -> dict[str, sql.Composed]:
    """The key of a row as lists hold it: texts are compared by their bytes, whatever the language of the database."""
    kinds = {column.name: column.type for column in table.columns}
    return {
        name: sql.SQL("{}{}").format(sql.Identifier(row, name), sql.SQL(' collate "C"' if is_text(kinds[name]) else ""))
        for name in table.key
    }


def same_key(table: Table, entry: str, row: str) -> sql.Composed:
    """The condition that a row has the key of an entry."""
    return sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier(entry, name), value) for name, value in key_columns(table, row).items()
    )


def key_text(table: Table, row: str) -> sql.Composed:
    """The key and the load of a row, or of an entry, as JSON."""
    kinds = {column.name: column for column in table.columns}
    parts = {name: _fragment(kinds[name], row) for name in table.key}
    parts[LOAD] = sql.SQL("'\"_load_id\":\"' || {}::text || '\"'").format(sql.Identifier(row, LOAD))
    return _object(parts)


def leaf(table: Table, entry: str) -> sql.Composed:
    """The leaf of an entry of the list."""
    return sql.SQL("sha256('\\x00'::bytea || convert_to({}, 'UTF8') || {})").format(
        key_text(table, entry), sql.Identifier(entry, CONTENT)
    )


def committed(column: Column, row: str, salt: sql.Composable) -> sql.Composed:
    """The commitment to a personal value; null for null."""
    return sql.SQL("sha256(uuid_send({}) || convert_to({}, 'UTF8'))").format(salt, _fragment(column, row))


def sealed_content(table: Table, row: str) -> sql.Composed:
    """The content of a row about to be sealed, whose commitments stand beside it as `<column>_commitment`."""
    commitments = {
        column.name: _as_commitment(column, sql.Identifier(row, f"{column.name}_commitment"))
        for column in personal_columns(table)
    }
    return _content(table, row, commitments)


def present_content(table: Table, row: str, entry: str) -> sql.Composed:
    """The content of a row as it is now, with the commitments of its entry where the person is erased."""
    commitments = {
        column.name: sql.SQL(
            "case when {kept} is null then {plain} when {salt} is not null then {anew}"
            " when {erased} then {as_kept} else {plain} end"
        ).format(
            kept=sql.Identifier(entry, column.name),
            plain=_fragment(column, row),
            salt=sql.Identifier(entry, SALT),
            anew=_as_commitment(column, committed(column, row, sql.Identifier(entry, SALT))),
            erased=is_erased(column, row),
            as_kept=_as_commitment(column, sql.Identifier(entry, column.name)),
        )
        for column in personal_columns(table)
    }
    return _content(table, row, commitments)


def hashed(content: sql.Composable) -> sql.Composed:
    """The hash of a content."""
    return sql.SQL("sha256(convert_to({}, 'UTF8'))").format(content)


def is_erased(column: Column, row: str) -> sql.Composed:
    """The condition that a personal value is as erasing leaves it."""
    return sql.SQL("{} is not distinct from {}").format(sql.Identifier(row, column.name), neutral(column))


def neutral(column: Column) -> sql.Composable:
    """What erasing puts in place of a value: null, or the emptiest value where it may not be null."""
    return sql.SQL(_NEUTRAL.get(base_type(column.type), "null") if column.required else "null")


def _content(table: Table, row: str, commitments: dict[str, sql.Composed]) -> sql.Composed:
    parts = {column.name: _fragment(column, row) for column in table.columns if column.name not in table.key}
    return _object(parts | commitments)


def _object(parts: dict[str, sql.Composed]) -> sql.Composed:
    # concat_ws leaves out what is null, and with it the column's name.
    return sql.SQL("'{{' || concat_ws(',', {}) || '}}'").format(
        sql.SQL(", ").join(parts[name] for name in sorted(parts))
    )


def _fragment(column: Column, row: str) -> sql.Composed:
    """The column as `"name":"value"`; null for null."""
    value = sql.Identifier(row, column.name)
    return sql.SQL("{} || {}").format(sql.Literal(f"{json.dumps(column.name)}:"), _json(column.type, value))


def _as_commitment(column: Column, hashed_value: sql.Composable) -> sql.Composed:
    return sql.SQL("{} || encode({}, 'hex') || '\"}}'").format(
        sql.Literal(f'{json.dumps(column.name)}:{{"sha256":"'), hashed_value
    )


def _json(kind: str, value: sql.Composable) -> sql.Composed:
    """A value as a JSON string that depends on nothing but the value."""
    base = base_type(kind)
    if base in ("uuid", "smallint", "integer", "bigint", "boolean"):
        return sql.SQL("'\"' || {}::text || '\"'").format(value)
    if base in ("numeric", "decimal"):
        return sql.SQL("'\"' || trim_scale({})::text || '\"'").format(value)
    if base in ("real", "double precision"):
        return sql.SQL("'\"' || encode(float8send({}::float8), 'hex') || '\"'").format(value)
    if base == "bytea":
        return sql.SQL("'\"' || encode({}, 'hex') || '\"'").format(value)
    # Spelt by to_json, which always uses ISO 8601.
    if base in ("timestamptz", "timestamp with time zone"):
        return sql.SQL("to_json({} at time zone 'UTC')::text").format(value)
    if base in ("date", "timestamp", "timestamp without time zone"):
        return sql.SQL("to_json({})::text").format(value)
    return sql.SQL("to_json({}::text)::text").format(value)


def base_type(kind: str) -> str:
    """The type without its length."""
    return kind if kind.endswith("[]") else kind.partition("(")[0]


def is_text(kind: str) -> bool:
    """True for the types whose order depends on a language."""
    return base_type(kind) in ("text", "varchar", "char", "character varying", "character")
