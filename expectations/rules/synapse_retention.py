"""What Synapse's retention leaves in its event lake and counters: D-09 and D-19."""

from expectations.rule import Mutation, Rule
from expectations.rules.synapse_counters import (
    A_KEPT_DAY,
    BY_MEMBER,
    COUNTED_LOADS,
    COUNTED_MEMBERS,
    DAYS,
    KEPT_DAYS,
    LATE_DAYS,
    PERIODS,
    RETENTION_DAYS,
    UNPURGED,
    change_counter,
)

RULES = (
    # The season's counter is never reset and never recounted, so it leads as soon as a lifetime was shortened.
    Rule(
        id="D-09",
        system="synapse",
        title="No counter exceeds the lifetime counter where nothing can have been purged yet.",
        severity="error",
        unit="events",
        tables=("event_counters", "event_lake"),
        query=f"""
            select user_id || ':' || event_type || ' ' || period as subject, count::numeric - lifetime as amount,
                jsonb_build_object('count', count, 'lifetime', lifetime) as evidence,
                day::timestamp at time zone 'UTC' as happened_at
            from raw_synapse.event_counters
            inner join synapse_periods_of_counters using (period)
            inner join synapse_events_by_member using (user_id, event_type)
            cross join synapse_days_of_lake
            where most > lifetime and category_id = 0 and in_scope(event_counters.user_id)
            and count > lifetime and {UNPURGED}
        """,  # noqa: S608
        mutations=(
            Mutation(
                "a young member did more in a season than in a lifetime",
                change_counter(
                    "count = count + 1000",
                    "period = 'season' and user_id = (select max(user_id) from raw_synapse.event_counters)",
                ),
            ),
            Mutation(
                "a member did more on a day than in a lifetime",
                change_counter("count = count + 100000", A_KEPT_DAY),
            ),
        ),
        reads=BY_MEMBER,
        scope=COUNTED_MEMBERS,
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
            with deliveries as (
                select _load_id, min(timestamp) as oldest, max(timestamp) as newest
                from raw_synapse.event_lake
                where in_scope(event_lake._load_id)
                group by _load_id
            ),
            counted_before as (
                select min(day) as oldest, count(*) as counters
                from raw_synapse.event_counters
                inner join synapse_periods_of_counters using (period)
                cross join synapse_days_of_lake as days
                where category_id = 0 and count > 0 and day > days.newest - {KEPT_DAYS} and day < days.first
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
            cross join synapse_days_of_lake as days
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
        reads=(PERIODS, DAYS),
        scope=COUNTED_LOADS,
        needs_all=False,
    ),
)
