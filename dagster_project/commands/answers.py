"""The four answers of the marts as tables: what happened, who leads, was it settled right, does the money add up."""

from collections.abc import Collection, Iterator
from typing import Any

from psycopg import Connection

from dagster_project.commands.tables import Rows, table

EVENT_TYPES_SHOWN = 4
DIFFERING_SHOWN = 20
PARTS_OF_STAKES = {"payouts", "refunds", "fees", "breakage"}

EVENTS = """
    with counted as (

        select
            system,
            event_type,
            count(*) as events,
            row_number() over (partition by system order by count(*) desc, event_type) as place
        from marts.fct_events
        group by 1, 2

    )

    select
        system,
        sum(events)::bigint as events,
        string_agg(event_type || ' ' || to_char(events, 'FM999,999,999,999'), ', ' order by place)
            filter (where place <= %(shown)s) as most_frequent
    from counted
    group by 1
    order by 1
"""

LEADERS = """
    with boards as (

        select
            *,
            row_number() over (
                partition by system, board
                order by (period = 'lifetime') desc, period desc, rank, entity_id
            ) as place
        from marts.leaderboards

    )

    select
        system || ' ' || board as board,
        period,
        case when length(entity_id) > 19 then left(entity_id, 8) || '…' else entity_id end as leader,
        score
    from boards
    where place = 1
    order by 1
"""

SETTLEMENTS = """
    select
        system,
        unit,
        status,
        count(*) as contests,
        sum(stakes) as stakes,
        sum(payouts_recorded) as payouts,
        sum(refunds) as refunds,
        sum(fee) as fees,
        sum(breakage) as breakage,
        sum(difference) as difference
    from marts.settlements
    group by 1, 2, 3
    order by 1, 2, 3
"""

BALANCES = """
    select
        system,
        unit,
        count(*) as accounts,
        count(*) filter (where drift = 0) as agree,
        count(*) filter (where drift <> 0) as differ,
        sum(recorded) as recorded,
        sum(ledger) as ledger,
        sum(abs(drift)) as drift
    from marts.balance_reconciliation
    group by 1, 2
    order by 1, 2
"""

DIFFERING = """
    select system, account_id, unit, recorded, ledger, drift, cause
    from marts.balance_reconciliation
    where drift <> 0
    order by abs(drift) desc, system, account_id
    limit %(shown)s
"""


def answers(connection: Connection) -> Iterator[Rows]:
    """The tables, one after the other, none wider than 80 columns but by what is spare; the last one only when balances
    differ."""
    yield _ask(connection, "What happened?", EVENTS, shown=EVENT_TYPES_SHOWN)
    yield _ask(connection, "Who is on top?", LEADERS, {"period"})
    yield _ask(connection, "Was every contest settled right?", SETTLEMENTS, PARTS_OF_STAKES)
    yield _ask(connection, "Does the money add up?", BALANCES)
    differing = _ask(connection, "Balances that differ from their ledger", DIFFERING, shown=DIFFERING_SHOWN)
    if differing.cells:
        yield differing


def _ask(connection: Connection, title: str, query: str, spare: Collection[str] = (), **parameters: Any) -> Rows:
    cursor = connection.execute(query.encode(), parameters)
    names = [column.name.replace("_", " ") for column in cursor.description or ()]
    rows = cursor.fetchall()
    return table(
        title if rows else f"{title} Nothing is known: no system that could tell is open.", names, rows, spare=spare
    )
