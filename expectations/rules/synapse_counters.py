"""What must hold of Synapse's counters over its event lake: D-05, D-06 and D-08; `synapse_retention` has the rest.

The source deletes lake rows after 90 days, with the counters of their days, and recounts its lifetime counters over
what is left. Tally keeps every row and counter delivered, so a counter is held against the lake only where the source
still has both, and a lifetime that fell with the retention is no break. What was delivered over time needs no history
of its own: the day counters that stay behind are the witnesses.
"""

from expectations.rule import Mutation, Rule, Scope, Summary

RETENTION_DAYS = 90  # the dbt var `s003_retention_days`
LATE_DAYS = 2  # lake rows arrive up to so much later than their counters: the dbt var `s003_lookback_days`
# The source purges once a day and delivers the morning after, so the last days before the limit are left out.
KEPT_DAYS = RETENTION_DAYS - 2

_DAY = "(timestamp at time zone 'UTC')::date"
# The day that a counter's period names: none for a lifetime or season, and for what is no day, which is D-08's.
_NAMED_DAY = r"""case
    when period ~ '^day:[0-9]{4}-[0-9]{2}-[0-9]{2}$' and pg_input_is_valid(substr(period, 5), 'date')
        then substr(period, 5)::date
end"""

# Days by what new rows say of them. An entry also touches the day before, on which the hour that it ends may have
# begun; the switch of a capture touches all days. As the newest day of the lake moves on, others come due, because late
# rows are waited for; and where its first day moves back, those that it stood before until then. How far the lake had
# been seen, the load before tells: an earlier instant finds more days.
DAYS_TOUCHED = Scope(
    "synapse_days",
    {
        "event_lake": _DAY,
        "event_counters": _NAMED_DAY,
        "activity_log": f"unnest(array[{_DAY}, {_DAY} - 1])",
        "admin_log": """unnest(
            case
                when target_table = 'settings' and target_id like 'event_lake.source.%.enabled' then array(
                    select generate_series(min(timestamp), max(timestamp), '1 day')::date from raw_synapse.event_lake
                )
            end
        )""",
    },
    due=f"""
        with new as (
            select min(timestamp) as first, max(timestamp) as newest from raw_synapse.event_lake
            where _load_id = any(array(select load_id from new_loads))
        ),
        seen as (
            select max(timestamp) as newest from raw_synapse.event_lake
            where _load_id = (
                select max(load_id) from ingest.loads
                where system = 'synapse' and table_name = 'event_lake' and rows_accepted > 0
                    and load_id not in (select load_id from new_loads)
            )
        )
        select generate_series(
            coalesce(seen.newest - interval '{LATE_DAYS - 1} days', new.first)::date,
            greatest(seen.newest, new.newest)::date,
            '1 day'
        )::date as key
        from new
        cross join seen
        union all
        select generate_series(new.first::date, (
            select min(timestamp)::date + 1 from raw_synapse.event_lake
            where _load_id not in (select load_id from new_loads)
        ), '1 day')::date
        from new
        where not exists (
            select from raw_synapse.event_lake
            where timestamp < new.first and _load_id not in (select load_id from new_loads)
        )
    """,  # noqa: S608 - no outside input
)
# Members by what was captured or counted of them. As the lake grows older, fewer of its days count.
COUNTED_MEMBERS = Scope("synapse_counted_members", {"event_lake": "user_id", "event_counters": "user_id"})
COUNTED_LOADS = Scope("synapse_counted_loads", {"event_lake": "_load_id", "event_counters": "_load_id"})

# There are few periods, and to read a date out of text is dear: done once for each of them, and not for each of half a
# million counters, the passes below take a second of processor time less.
PERIODS = Summary(
    "synapse_periods_of_counters",
    f"""
    select period, {_NAMED_DAY} as day
    from (select distinct period from raw_synapse.event_counters) as periods
    """,  # noqa: S608 - no outside input
)

# Ages are judged against the newest day delivered. The lake may begin within its first day.
DAYS = Summary(
    "synapse_days_of_lake",
    """
    select (min(timestamp) at time zone 'UTC')::date as first, (max(timestamp) at time zone 'UTC')::date as newest
    from raw_synapse.event_lake
    """,
)

# What was captured of a member on a day, what the counter of that day says, and what of it was rewarded: one pass over
# lake, counters and log for all rules of days.
EVENTS = Summary(
    "synapse_events_by_member_and_day",
    f"""
    select
        user_id,
        event_type,
        day,
        sum(event) as events,
        max(recorded) as recorded,
        sum(entry) as entries
    from (
        select user_id, event_type, {_DAY} as day, 1 as event, null::bigint as recorded, 0 as entry
        from raw_synapse.event_lake
        where from_scope(event_lake.timestamp)
        union all
        select user_id, event_type, day, 0, count, 0
        from raw_synapse.event_counters
        inner join synapse_periods_of_counters using (period)
        where category_id = 0 and day is not null
        union all
        select user_id, case event_type when 'MESSAGE' then 'message_create' else 'reaction_add' end, {_DAY}, 0, null, 1
        from raw_synapse.activity_log
        where event_type in ('MESSAGE', 'REACTION_GIVEN') and from_scope(activity_log.timestamp)
    ) as counted
    where in_scope(counted.day)
    group by 1, 2, 3
    """,  # noqa: S608 - no outside input
    DAYS_TOUCHED,
)

# Of counters, those of which nothing can have been purged: of a day that the source still has; or, while the whole lake
# is younger than the retention, or the member is, of any day or season. A Discord id holds the milliseconds since 2015
# at which it was made.
UNPURGED = f"""(
    day > newest - {KEPT_DAYS}
    or (day is not null or period = 'season') and (
        newest - first < {KEPT_DAYS}
        or to_timestamp(((user_id >> 22) + 1420070400000) / 1000.0) > newest - {KEPT_DAYS}
    )
)"""

# Per member and type: the lifetime counter, beside the largest other one that nothing was purged of, and what lake and
# counters hold of the days that the source still has.
# `offset 0` has both read as they lie: those who are touched did most of it, and to follow the indexes of members took
# 2.8 seconds instead of 0.7 for half a million events.
TOTALS = Summary(
    "synapse_events_by_member",
    f"""
    with kept as not materialized (
        select user_id, event_type, timestamp
        from raw_synapse.event_lake
        where timestamp >= (select newest - {KEPT_DAYS - 1} from synapse_days_of_lake)
        offset 0
    ),
    captured as (
        select user_id, event_type, count(*) as events, (max(timestamp) at time zone 'UTC')::date as last_day
        from kept
        where in_scope(kept.user_id)
        group by 1, 2
    ),
    counters as not materialized (
        select user_id, event_type, period, day, count
        from raw_synapse.event_counters
        inner join synapse_periods_of_counters using (period)
        where category_id = 0
        offset 0
    ),
    counted as (
        select user_id, event_type, max(count) filter (where period = 'lifetime') as lifetime,
            max(count) filter (where {UNPURGED}) as most,
            sum(count) filter (where day > newest - {KEPT_DAYS}) as recorded
        from counters
        cross join synapse_days_of_lake
        where in_scope(counters.user_id)
        group by 1, 2
    )
    select user_id, event_type, lifetime, most, coalesce(recorded, 0) as recorded, coalesce(events, 0) as events,
        last_day
    from captured
    full join counted using (user_id, event_type)
    """,  # noqa: S608 - no outside input
    COUNTED_MEMBERS,
)

BY_DAY = (PERIODS, DAYS, EVENTS)  # each may read those before
BY_MEMBER = (PERIODS, DAYS, TOTALS)

# Of a day well within the retention.
A_KEPT_DAY = (
    "period like 'day:%' and substr(period, 5)"
    " > (select max(timestamp) - interval '80 days' from raw_synapse.event_lake)::text"
)

_LIFETIME = (
    "period = 'lifetime' and (user_id, event_type) in"  # noqa: S608 - no outside input
    f" (select user_id, event_type from raw_synapse.event_counters where {A_KEPT_DAY})"
)


def _first(where: str) -> str:
    """The first counter by key that meets `where`."""
    counters = f"select user_id, event_type, period from raw_synapse.event_counters where {where}"  # noqa: S608 - no outside input
    return f"category_id = 0 and (user_id, event_type, period) = ({counters} order by 1, 2, 3 limit 1)"


def change_counter(change: str, where: str) -> str:
    """The SQL of a mutation of one counter."""
    return f"update raw_synapse.event_counters set {change} where {_first(where)}"  # noqa: S608


def drop_counter(where: str) -> str:
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
            select user_id || ':' || event_type || ' ' || day as subject,
                abs(coalesce(recorded, 0)::numeric - events) as amount,
                jsonb_build_object('recorded', recorded, 'in_the_lake', events) as evidence,
                day::timestamp at time zone 'UTC' as happened_at
            from synapse_events_by_member_and_day
            cross join synapse_days_of_lake as days
            where day > days.newest - {KEPT_DAYS}
            and (coalesce(recorded, 0) < events or (recorded > events and day <= days.newest - {LATE_DAYS}))
            union all
            select user_id || ':' || event_type || ' lifetime', recorded - coalesce(lifetime, 0),
                jsonb_build_object('lifetime', lifetime, 'of_days', recorded), null
            from synapse_events_by_member
            where recorded > coalesce(lifetime, 0)
        """,  # noqa: S608
        mutations=(
            Mutation("a day counts an event too many", change_counter("count = count + 1", A_KEPT_DAY)),
            Mutation(
                "the newest day counts an event too few",
                change_counter(
                    "count = count - 1",
                    "period = (select max(period) from raw_synapse.event_counters where period like 'day:%')",
                ),
            ),
            Mutation("a member's counter of a day is gone", drop_counter(A_KEPT_DAY)),
            Mutation(
                "a member's days add up to more than the lifetime",
                change_counter("count = 0", _LIFETIME),
            ),
        ),
        reads=(*BY_DAY, TOTALS),
        scope=DAYS_TOUCHED,
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
        query="""
            select user_id || ':' || event_type as subject, events::numeric - coalesce(lifetime, 0) as amount,
                jsonb_build_object('lifetime', lifetime, 'in_the_lake', events) as evidence,
                last_day::timestamp at time zone 'UTC' as happened_at
            from synapse_events_by_member
            where events > coalesce(lifetime, 0)
        """,
        mutations=(
            Mutation("a lifetime fell to nothing", change_counter("count = 0", "period = 'lifetime' and count > 0")),
            Mutation(
                "a lifetime counter is gone",
                drop_counter(_LIFETIME),
            ),
        ),
        reads=BY_MEMBER,
        scope=COUNTED_MEMBERS,
    ),
    Rule(
        id="D-08",
        system="synapse",
        title="No counter is negative, and each is of a lifetime, a season or a day that has been.",
        severity="error",
        unit=None,
        tables=("event_counters", "event_lake"),
        query=rf"""
            select user_id || ':' || event_type || ':' || category_id || ' ' || period as subject,
                null::numeric as amount,
                jsonb_build_object('count', count, 'newest_day', days.newest) as evidence,
                null::timestamptz as happened_at
            from raw_synapse.event_counters
            inner join synapse_periods_of_counters using (period)
            cross join synapse_days_of_lake as days
            where in_scope(event_counters._load_id)
            and (
                count < 0
                or (period not in ('lifetime', 'season') and (day is null or day > days.newest + {LATE_DAYS}))
            )
        """,  # noqa: S608
        mutations=(
            Mutation("a counter is negative", _new_counter("'season'", -1)),
            Mutation("a counter is of a week", _new_counter("'week:2026-20'", 1)),
            Mutation("a counter is of no day of the calendar", _new_counter("'day:2026-02-30'", 1)),
            Mutation("a counter is of a day to come", _new_counter("'day:2100-01-01'", 1)),
        ),
        reads=(PERIODS, DAYS),
        scope=COUNTED_LOADS,
    ),
)
