"""What must hold of Synapse's counters over its event lake: D-05 to D-09 and D-19.

The source deletes lake rows after 90 days, with the counters of their days, and recounts its lifetime counters over
what is left. Tally keeps every row and counter delivered, so a counter is held against the lake only where the source
still has both, and a lifetime that fell with the retention is no break. What was delivered over time needs no history
of its own: the day counters that stay behind are the witnesses.
"""

from expectations.rule import Mutation, Rule, Summary

RETENTION_DAYS = 90  # the dbt var `s003_retention_days`
LATE_DAYS = 2  # lake rows arrive up to so much later than their counters: the dbt var `s003_lookback_days`
# The source purges once a day and delivers the morning after, so the last days before the limit are left out.
KEPT_DAYS = RETENTION_DAYS - 2

# The one pass over the lake that the rules of counts share.
EVENTS = Summary(
    "synapse_events_by_member_and_day",
    """
        select user_id, event_type, (timestamp at time zone 'UTC')::date as day, count(*) as events
        from raw_synapse.event_lake
        group by 1, 2, 3
    """,
)

# Ages are judged against the newest day delivered. The lake may begin within its first day.
DAYS = """
    days as (
        select min(day) as first, max(day) as newest from synapse_events_by_member_and_day
    )
"""

# Counters by day; a period that names no day is D-08's.
_COUNTERS = r"""
    counters as (
        select user_id, event_type, count, period,
            case
                when period ~ '^day:\d{4}-\d\d-\d\d$' and pg_input_is_valid(substr(period, 5), 'date')
                    then substr(period, 5)::date
            end as day
        from raw_synapse.event_counters
        where category_id = 0
    )
"""

# Of a day well within the retention.
_KEPT = (
    "period like 'day:%' and substr(period, 5)"
    " > (select max(timestamp) - interval '80 days' from raw_synapse.event_lake)::text"
)

_LIFETIME = (
    "period = 'lifetime' and (user_id, event_type) in"  # noqa: S608 - no outside input
    f" (select user_id, event_type from raw_synapse.event_counters where {_KEPT})"
)


def _first(where: str) -> str:
    """The first counter by key that meets `where`."""
    counters = f"select user_id, event_type, period from raw_synapse.event_counters where {where}"  # noqa: S608 - no outside input
    return f"category_id = 0 and (user_id, event_type, period) = ({counters} order by 1, 2, 3 limit 1)"


def _change(change: str, where: str) -> str:
    """The SQL of a mutation of one counter."""
    return f"update raw_synapse.event_counters set {change} where {_first(where)}"  # noqa: S608


def _drop(where: str) -> str:
    """The SQL of a mutation that loses one counter."""
    return f"delete from raw_synapse.event_counters where {_first(where)}"  # noqa: S608


def _new_counter(period: str, count: int) -> str:
    """A mutation that adds a counter of a category nobody counts."""
    return f"""
        insert into raw_synapse.event_counters (user_id, event_type, category_id, period, count, _load_id)
        select user_id, event_type, 9999, {period}, {count}, _load_id
        from raw_synapse.event_counters limit 1
    """  # noqa: S608


RULES = (
    # A day that may still gain late rows may be ahead of the lake, never behind it.
    Rule(
        id="D-05",
        system="synapse",
        title="A day's counter equals its events in the lake, and a member's days do not exceed the lifetime.",
        severity="error",
        unit="events",
        tables=("event_counters", "event_lake"),
        query=f"""
            with {DAYS}, {_COUNTERS},
            day_counters as (
                select * from counters cross join days where counters.day > days.newest - {KEPT_DAYS}
            ),
            kept_events as (
                select events.* from synapse_events_by_member_and_day as events
                cross join days where events.day > days.newest - {KEPT_DAYS}
            ),
            compared as (
                select user_id, event_type, day, coalesce(count, 0) as recorded, coalesce(events, 0) as events
                from day_counters
                full join kept_events using (user_id, event_type, day)
            ),
            lifetimes as (
                select
                    user_id,
                    event_type,
                    sum(count) filter (where period = 'lifetime') as lifetime,
                    sum(count) filter (where counters.day > days.newest - {KEPT_DAYS}) as of_days
                from counters
                cross join days
                group by 1, 2
            )
            select user_id || ':' || event_type || ' ' || compared.day as subject,
                abs(recorded - events)::numeric as amount,
                jsonb_build_object('recorded', recorded, 'in_the_lake', events) as evidence,
                compared.day::timestamp at time zone 'UTC' as happened_at
            from compared
            cross join days
            where recorded <> events and (recorded < events or compared.day <= days.newest - {LATE_DAYS})
            union all
            select user_id || ':' || event_type || ' lifetime', of_days - coalesce(lifetime, 0),
                jsonb_build_object('lifetime', lifetime, 'of_days', of_days), null
            from lifetimes
            where of_days > coalesce(lifetime, 0)
        """,  # noqa: S608
        mutations=(
            Mutation("a day counts an event too many", _change("count = count + 1", _KEPT)),
            Mutation(
                "the newest day counts an event too few",
                _change(
                    "count = count - 1",
                    "period = (select max(period) from raw_synapse.event_counters where period like 'day:%')",
                ),
            ),
            Mutation("a member's counter of a day is gone", _drop(_KEPT)),
            Mutation(
                "a member's days add up to more than the lifetime",
                _change("count = 0", _LIFETIME),
            ),
        ),
        reads=(EVENTS,),
    ),
    # A fall of the lifetime is no break as long as it stops at what the source still holds: retention explains that.
    # A backfill from the activity log may have raised it above the lake for good.
    Rule(
        id="D-06",
        system="synapse",
        title="No lifetime counter is below the events that the source still holds.",
        severity="warn",
        unit="events",
        tables=("event_counters", "event_lake"),
        query=f"""
            with {DAYS},
            retained as (
                select user_id, event_type, sum(events) as events, max(day) as last_day
                from synapse_events_by_member_and_day
                cross join days
                where day > days.newest - {KEPT_DAYS}
                group by 1, 2
            ),
            lifetimes as (
                select user_id, event_type, count from raw_synapse.event_counters
                where category_id = 0 and period = 'lifetime'
            )
            select retained.user_id || ':' || retained.event_type as subject,
                retained.events - coalesce(lifetimes.count, 0) as amount,
                jsonb_build_object('lifetime', lifetimes.count, 'in_the_lake', retained.events) as evidence,
                retained.last_day::timestamp at time zone 'UTC' as happened_at
            from retained
            left join lifetimes using (user_id, event_type)
            where retained.events > coalesce(lifetimes.count, 0)
        """,  # noqa: S608
        mutations=(
            Mutation("a lifetime fell to nothing", _change("count = 0", "period = 'lifetime' and count > 0")),
            Mutation(
                "a lifetime counter is gone",
                _drop(_LIFETIME),
            ),
        ),
        reads=(EVENTS,),
    ),
    # Raw data is all that Tally's cumulative counts are made of. They could only fall if a row left the lake after it
    # had been delivered: then the counter of its day, which stays, is ahead.
    Rule(
        id="D-07",
        system="synapse",
        title="Tally's count of a member's events never falls: no day that was counted has lost any.",
        severity="error",
        unit="events",
        tables=("event_lake", "event_counters"),
        query=f"""
            with {DAYS}, {_COUNTERS},
            lost as (
                select user_id, event_type, day, count - coalesce(events, 0) as events
                from counters
                left join synapse_events_by_member_and_day as kept using (user_id, event_type, day)
                where count > coalesce(events, 0)
            )
            select user_id || ':' || event_type as subject, sum(events)::numeric as amount,
                jsonb_build_object('days', count(*), 'from', min(day), 'to', max(day)) as evidence,
                max(day)::timestamp at time zone 'UTC' as happened_at
            from lost
            cross join days
            where day > days.first and day <= days.newest - {LATE_DAYS}
            group by user_id, event_type
        """,  # noqa: S608
        mutations=(
            Mutation(
                "an event that the source has purged is gone here too",
                """
                    delete from raw_synapse.event_lake where id = (
                        select min(id) from raw_synapse.event_lake
                        where timestamp >= (select min(timestamp) + interval '2 days' from raw_synapse.event_lake)
                    )
                """,
            ),
            Mutation(
                "a member's events of an old day are another's",
                """
                    update raw_synapse.event_lake set user_id = -user_id
                    where (user_id, timestamp::date) = (
                        select user_id, timestamp::date from raw_synapse.event_lake
                        where timestamp >= (select min(timestamp) + interval '2 days' from raw_synapse.event_lake)
                        order by timestamp limit 1
                    )
                """,
            ),
        ),
        reads=(EVENTS,),
    ),
    Rule(
        id="D-08",
        system="synapse",
        title="No counter is negative, and each is of a lifetime, a season or a day that has been.",
        severity="error",
        unit=None,
        tables=("event_counters", "event_lake"),
        query=rf"""
            with {DAYS}
            select user_id || ':' || event_type || ':' || category_id || ' ' || period as subject,
                null::numeric as amount,
                jsonb_build_object('count', count, 'newest_day', days.newest) as evidence,
                null::timestamptz as happened_at
            from raw_synapse.event_counters
            cross join days
            where count < 0
            or case
                when period in ('lifetime', 'season') then false
                when period !~ '^day:\d{{4}}-\d\d-\d\d$' then true
                when not pg_input_is_valid(substr(period, 5), 'date') then true
                else substr(period, 5)::date > days.newest + {LATE_DAYS}
            end
        """,  # noqa: S608
        mutations=(
            Mutation("a counter is negative", _new_counter("'season'", -1)),
            Mutation("a counter is of a week", _new_counter("'week:2026-20'", 1)),
            Mutation("a counter is of no day of the calendar", _new_counter("'day:2026-02-30'", 1)),
            Mutation("a counter is of a day to come", _new_counter("'day:2100-01-01'", 1)),
        ),
        reads=(EVENTS,),
    ),
    # The season's counter is never reset and never recounted, so it leads as soon as a lifetime was shortened. Nothing
    # can have been purged while the whole lake is younger than the retention, or the member is: a Discord id holds the
    # milliseconds since 2015 at which it was made.
    Rule(
        id="D-09",
        system="synapse",
        title="No counter exceeds the lifetime counter where nothing can have been purged yet.",
        severity="error",
        unit="events",
        tables=("event_counters", "event_lake"),
        query=f"""
            with {DAYS}, {_COUNTERS},
            lifetimes as (
                select user_id, event_type, count as lifetime from counters where period = 'lifetime'
            )
            select user_id || ':' || event_type || ' ' || counters.period as subject,
                (count - lifetime)::numeric as amount,
                jsonb_build_object('count', count, 'lifetime', lifetime) as evidence,
                counters.day::timestamp at time zone 'UTC' as happened_at
            from counters
            inner join lifetimes using (user_id, event_type)
            cross join days
            where count > lifetime
            and (
                counters.day > days.newest - {KEPT_DAYS}
                or days.newest - days.first < {KEPT_DAYS}
                or to_timestamp(((user_id >> 22) + 1420070400000) / 1000.0) > days.newest - {KEPT_DAYS}
            )
        """,  # noqa: S608
        mutations=(
            Mutation(
                "a young member did more in a season than in a lifetime",
                _change(
                    "count = count + 1000",
                    "period = 'season' and user_id = (select max(user_id) from raw_synapse.event_counters)",
                ),
            ),
            Mutation(
                "a member did more on a day than in a lifetime",
                _change("count = count + 100000", _KEPT),
            ),
        ),
        reads=(EVENTS,),
    ),
    # When a row left the source is not known here, but a delivery holds what the source had: one that spans more than
    # the retention shows rows that should have been deleted by then. And what was deleted too early shows in counters
    # of days that are older than every row.
    Rule(
        id="D-19",
        system="synapse",
        title="The source deletes lake rows when they are 90 days old: not two days later, and no earlier.",
        severity="warn",
        unit=None,
        tables=("event_lake", "event_counters"),
        query=f"""
            with {DAYS}, {_COUNTERS},
            deliveries as (
                select _load_id, min(timestamp) as oldest, max(timestamp) as newest
                from raw_synapse.event_lake
                group by _load_id
            ),
            counted_before as (
                select min(counters.day) as oldest, count(*) as counters
                from counters
                cross join days
                where counters.day > days.newest - {KEPT_DAYS} and counters.day < days.first
            )
            select 'load ' || _load_id as subject, null::numeric as amount,
                jsonb_build_object('oldest', oldest, 'newest', newest) as evidence,
                oldest as happened_at
            from deliveries
            where newest - oldest > interval '{RETENTION_DAYS + LATE_DAYS} days'
            union all
            select 'rows before ' || days.first, null,
                jsonb_build_object('oldest_counter', oldest, 'counters', counters, 'oldest_row', days.first),
                oldest::timestamp at time zone 'UTC'
            from counted_before
            cross join days
            where counters > 0
        """,  # noqa: S608
        mutations=(
            Mutation(
                "the historical delivery still held what is older than the retention",
                """
                    update raw_synapse.event_lake set _load_id = (
                        select _load_id from raw_synapse.event_lake order by timestamp limit 1
                    )
                    where id = (select id from raw_synapse.event_lake order by timestamp desc limit 1)
                """,
            ),
            Mutation(
                "rows are deleted after forty days",
                """
                    delete from raw_synapse.event_lake
                    where timestamp < (select max(timestamp) - interval '40 days' from raw_synapse.event_lake)
                """,
            ),
        ),
        reads=(EVENTS,),
        needs_all=False,
    ),
)
