"""`tally status`: what is loaded and sealed, how late, what was refused, what the gates say, where the database is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagster_project.commands.tables import console, table

if TYPE_CHECKING:
    from psycopg import Connection

LOADS = """
    select
        system,
        count(*) filter (where status = 'loaded') as files,
        sum(rows_accepted)::bigint as rows,
        sum(rows_conflict + rows_rejected)::bigint as quarantined,
        max(delivered_on) filter (where status = 'loaded') as last_delivery,
        current_date - max(delivered_on) filter (where status = 'loaded') as days_ago,
        to_char(max(loaded_at) filter (where status = 'loaded'), 'YYYY-MM-DD HH24:MI') as last_load
    from ingest.loads
    group by system
    order by system
"""

REFUSED_FILES = """
    select system, table_name as "table", path, reason
    from ingest.loads
    where status = 'failed'
    order by system, table_name, path
"""

GATES = """
    select
        system,
        count(*) filter (where status = 'passed') as hold,
        count(*) filter (where status = 'waived') as waived,
        count(*) filter (where status = 'failed') as failed,
        count(*) filter (where status = 'error') as no_verdict,
        count(*) filter (where status = 'not_applicable') as not_applicable,
        max(concat_ws(
            ', ', array_to_string(held.rules, ', '), 'loads not judged: ' || nullif(held.loads_without_verdict, 0)
        )) as held_by,
        to_char(max(checked_at), 'YYYY-MM-DD HH24:MI') as last_asked
    from audit.gate_state
    full join audit.held_systems as held using (system)
    group by system
    order by system
"""

SEALS = """
    with sealed as (
        select system, table_name, sum(rows) as rows, max(seal) as seal, max(upto_load) as upto_load
        from audit.seal_trees
        group by system, table_name
    )
    select
        system,
        count(*) as tables,
        sum(rows)::bigint as rows,
        sum((
            select coalesce(sum(rows_accepted), 0)
            from ingest.loads
            where (system, table_name) = (sealed.system, sealed.table_name) and load_id > sealed.upto_load
        ))::bigint as rows_not_sealed,
        max(seal) as last_seal,
        to_char(max(sealed_at), 'YYYY-MM-DD HH24:MI') as sealed_at
    from sealed
    inner join audit.seals using (seal)
    group by system
    order by system
"""

PARTITIONS = """
    select
        replace(parents.relnamespace::regnamespace::text, 'raw_', '') as system,
        parents.relname as "table",
        count(*) as partitions,
        replace(min(right(children.relname, 7)), '_', '-') as first,
        replace(max(right(children.relname, 7)), '_', '-') as last,
        pg_size_pretty(sum(pg_total_relation_size(children.oid))) as size
    from pg_inherits
    inner join pg_class as parents on parents.oid = inhparent
    inner join pg_class as children on children.oid = inhrelid
    where parents.relkind = 'p' and parents.relnamespace::regnamespace::text like 'raw\\_%'
    group by 1, 2
    order by 1, 2
"""

SECTIONS = (
    ("Loads", LOADS),
    ("Refused files", REFUSED_FILES),
    ("Gates", GATES),
    ("Seals", SEALS),
    ("Partitions", PARTITIONS),
)


def status() -> None:
    """Show what is loaded, what was refused, what the gates say and where the database is."""
    from dagster_project.commands.connections import READING, as_owner
    from ingest import server
    from ingest.contract import read_contracts
    from ingest.settings import Settings

    settings = Settings.from_environment()
    terminal = console()
    with as_owner(settings, read_contracts(settings.contract_folders)) as connection:
        for title, query in SECTIONS:
            columns, rows = _ask(connection, query)
            if rows:
                terminal.print(table(title, columns, rows))
                terminal.print()
    conninfo = server.start(settings)
    terminal.print(f"Landing zone: {settings.landing}", soft_wrap=True)
    terminal.print(f"psql and BI tools, as the analyst role, read-only: {_url(conninfo, READING)}", soft_wrap=True)
    terminal.print(f"The owner, who may change everything: {_url(conninfo)}", soft_wrap=True)
    if not settings.database_url:
        terminal.print("The database is embedded; `tally stop` stops it.")


def _ask(connection: Connection, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    cursor = connection.execute(query.encode())
    names = [column.name.replace("_", " ") for column in cursor.description or ()]
    return names, cursor.fetchall()


def _url(conninfo: str, options: str = "") -> str:
    """The connection string as a URL without its password, which does not belong on a terminal."""
    from urllib.parse import quote, urlencode

    from psycopg.conninfo import conninfo_to_dict

    parts = {name: str(value) for name, value in conninfo_to_dict(conninfo).items() if name != "password"}
    if options:
        parts["options"] = f"{parts.get('options', '')} {options}".strip()
    user, database = quote(parts.pop("user", "")), quote(parts.pop("dbname", ""))
    if not parts.get("host", "").startswith("/"):
        host, port = parts.pop("host", "localhost"), parts.pop("port", "5432")
        address = f"{host}:{port}"
    else:
        address = ""
    query = f"?{urlencode(parts, quote_via=quote, safe='/')}" if parts else ""
    return f"postgresql://{user}{'@' if user or address else ''}{address}/{database}{query}"
