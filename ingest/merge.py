"""How the rows in `arriving` join a table: what is new, what is known, and what contradicts history.

append    a key's first row stands for ever; the same key again is a duplicate or, with other content, a conflict.
upsert    the newest version of a row stands: by `updated_at` where there is one, then delivery day, then path.
replace   the newest delivery stands whole; rows it no longer holds go, an older delivery changes nothing.

Every choice depends on the deliveries alone, never on the order in which files happened to be loaded.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from psycopg import Connection, sql

from ingest.batch import Refusal
from ingest.contract import Table
from ingest.keys import ERASED, register_accepted, register_all, registry
from ingest.landing import LandingFile
from ingest.partitions import ensure_partitions, fill
from ingest.seal_rows import personal_columns


@dataclass
class Verdicts:
    """What became of the rows of one file, and whether the table got new partitions for them."""

    accepted: int = 0
    duplicates: int = 0
    conflicts: list[Refusal] = field(default_factory=list)
    rejected: list[Refusal] = field(default_factory=list)
    added_months: bool = False

    @property
    def rows_read(self) -> int:
        """Every row of the file."""
        return self.accepted + self.duplicates + len(self.conflicts) + len(self.rejected)


def merge(connection: Connection, table: Table, file: LandingFile, load_id: int) -> Verdicts:
    """Merge the rows of temporary table `arriving` into their table and say what became of each."""
    if table.load_mode == "append":
        return _append(connection, table, load_id)
    return _update(connection, table, file, load_id)


def _update(connection: Connection, table: Table, file: LandingFile, load_id: int) -> Verdicts:
    connection.execute("analyze arriving")
    added_months = ensure_partitions(connection, table)
    parameters = {"delivered_on": file.delivered_on, "path": file.relative}
    _decide(connection, _versioned_fates(table), parameters)
    if table.load_mode == "replace":
        _drop_replaced(connection, table, parameters)
    _apply(connection, table, load_id)
    return _verdicts(connection, table, added_months)


def _append(connection: Connection, table: Table, load_id: int) -> Verdicts:
    names = [column.name for column in table.columns]
    rows = sql.SQL("select {}, {}::bigint as _load_id from arriving").format(_list(names), load_id)
    # Most files bring new keys only, and entering them proves it; fates are told one by one where they do not.
    count = register_all(connection, table)
    if count is not None:
        return Verdicts(accepted=count, added_months=fill(connection, table, rows))
    connection.execute("analyze arriving")
    _decide(connection, _append_fates(table), {})
    register_accepted(connection, table)
    connection.execute("delete from arriving using fate where fate._line = arriving._line and not fate.apply")
    return _verdicts(connection, table, fill(connection, table, rows))


def _decide(connection: Connection, fates: sql.Composed, parameters: Mapping[str, object]) -> None:
    """Write the fate of every arriving row: its line, its outcome, and whether to apply it."""
    connection.execute(sql.SQL("create temporary table fate on commit drop as {}").format(fates), parameters)


def _verdicts(connection: Connection, table: Table, added_months: bool) -> Verdicts:
    counts: dict[str, int] = dict(connection.execute("select outcome, count(*) from fate group by outcome").fetchall())
    conflicts = connection.execute("select _line from fate where outcome = 'conflict' order by _line").fetchall()
    reason = f"{table.system}.{table.name} already holds another row under this key, and its history is immutable"
    return Verdicts(
        accepted=counts.get("accepted", 0),
        duplicates=counts.get("duplicate", 0),
        conflicts=[Refusal(line, "conflict", reason) for (line,) in conflicts],
        added_months=added_months,
    )


def _append_fates(table: Table) -> sql.Composed:
    """One row per arriving line: `outcome`, and whether to `apply` it.

    A known key whose row is not found under the same instant has other content: the instant is part of it. Each known
    row is looked up by itself, in the one partition that can hold it, so that history is never scanned. Of a row
    that was erased nothing personal is compared.
    """
    personal = [column.name for column in personal_columns(table)]
    place = (*table.key, *((table.partition_column,) if table.partition_column else ()))
    return sql.SQL(
        """
        with numbered as (
            select _line, {key}, row_number() over (partition by {key} order by _line) as nth from arriving
        ),
        judged as (
            select
                n._line,
                case
                    when k.is_known and exists (select from {table} t where {is_there} and ({same_as_known}) offset 0)
                    then 'duplicate'
                    when k.is_known then 'conflict'
                    when n.nth = 1 then 'accepted'
                    when {same_as_first} then 'duplicate'
                    else 'conflict'
                end as outcome
            from numbered n
            join arriving a using (_line)
            cross join lateral (
                select exists (select from {registry} r where {key_is_registered} offset 0) as is_known
            ) k
            left join numbered leader on leader.nth = 1 and n.nth > 1 and {key_is_first}
            left join arriving f on f._line = leader._line
        )
        select *, outcome = 'accepted' as apply from judged
        """
    ).format(
        table=sql.Identifier(table.schema, table.name),
        registry=registry(table),
        key=_list(table.key),
        is_there=_equal(place, "t", "a"),
        same_as_known=sql.SQL(
            "{} or ({} and exists (select from {} r where {} and r._hash = {} and r._check = {}))"
        ).format(
            _same(table, "a", "t"),
            _same(table, "a", "t", without=personal),
            registry(table),
            _equal(table.key, "r", "a"),
            ERASED,
            ERASED,
        )
        if personal
        else _same(table, "a", "t"),
        same_as_first=_same(table, "a", "f"),
        key_is_registered=_equal(table.key, "r", "n"),
        key_is_first=_equal(table.key, "n", "leader"),
    )


def _versioned_fates(table: Table) -> sql.Composed:
    """As `_append_fates`, for tables whose rows change: only the newest version of a key in the file can apply.

    A newer version with the same content is a duplicate that still applies: it must carry its own load, or a version
    between the two, loaded last, would count as newer than both.
    """
    # In a table that is replaced whole, the delivery decides; elsewhere the source's own clock comes first.
    clock = table.version_column if table.load_mode == "upsert" else None
    instant = sql.SQL("coalesce({}.{}, '-infinity'), ")
    return sql.SQL(
        """
        with numbered as (
            select *, row_number() over (partition by {key} order by {clock} _line desc) as nth from arriving
        ),
        judged as (
            select
                n._line,
                n.nth = 1 and {stands} and (
                    t._load_id is null
                    or ({new_clock} %(delivered_on)s::date, %(path)s::text collate "C")
                    >= ({old_clock} l.delivered_on, l.path collate "C")
                ) as apply,
                t._load_id is not null and {same_as_known} as is_known
            from numbered n
            left join {table} t on {key_is_known}
            left join ingest.loads l on l.load_id = t._load_id
        )
        select _line, apply, case when apply and not is_known then 'accepted' else 'duplicate' end as outcome
        from judged
        """
    ).format(
        table=sql.Identifier(table.schema, table.name),
        key=_list(table.key),
        clock=sql.SQL("{} desc nulls last,").format(sql.Identifier(clock)) if clock else sql.SQL(""),
        new_clock=instant.format(sql.Identifier("n"), sql.Identifier(clock)) if clock else sql.SQL(""),
        old_clock=instant.format(sql.Identifier("t"), sql.Identifier(clock)) if clock else sql.SQL(""),
        stands=_NO_NEWER_DELIVERY.format(table.system, table.name) if table.load_mode == "replace" else sql.SQL("true"),
        same_as_known=_same(table, "n", "t"),
        key_is_known=_equal(table.key, "n", "t"),
    )


_NO_NEWER_DELIVERY = sql.SQL(
    "not exists (select from ingest.loads where status = 'loaded' and system = {} and table_name = {}"
    " and delivered_on > %(delivered_on)s)"
)


def _drop_replaced(connection: Connection, table: Table, parameters: Mapping[str, object]) -> None:
    """Delete what older deliveries brought, if this delivery is the newest."""
    connection.execute(
        sql.SQL(
            "delete from {table} t using ingest.loads l where l.load_id = t._load_id"
            " and l.delivered_on < %(delivered_on)s and {stands}"
        ).format(
            table=sql.Identifier(table.schema, table.name),
            stands=_NO_NEWER_DELIVERY.format(table.system, table.name),
        ),
        parameters,
    )


def _apply(connection: Connection, table: Table, load_id: int) -> None:
    names = [*(column.name for column in table.columns), "_load_id"]
    connection.execute(
        sql.SQL(
            "merge into {target} t using (select *, {load_id}::bigint as _load_id from arriving join fate using (_line)"
            " where apply) s on {key_is_known}"
            " when matched then update set {assignments}"
            " when not matched then insert ({names}) values ({values})"
        ).format(
            target=sql.Identifier(table.schema, table.name),
            load_id=load_id,
            key_is_known=_equal(table.key, "s", "t"),
            assignments=sql.SQL(", ").join(
                sql.SQL("{0} = s.{0}").format(sql.Identifier(name)) for name in names if name not in table.key
            ),
            names=_list(names),
            values=sql.SQL(", ").join(sql.Identifier("s", name) for name in names),
        )
    )


def _list(names: tuple[str, ...] | list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _equal(names: tuple[str, ...], left: str, right: str) -> sql.Composed:
    return sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier(left, name), sql.Identifier(right, name)) for name in names
    )


def _same(table: Table, left: str, right: str, without: Collection[str] = ()) -> sql.Composed:
    """True when two rows hold the same content, nulls included."""
    names = [column.name for column in table.columns if column.name not in without]
    return sql.SQL("({}) is not distinct from ({})").format(
        sql.SQL(", ").join(sql.Identifier(left, name) for name in names),
        sql.SQL(", ").join(sql.Identifier(right, name) for name in names),
    )
