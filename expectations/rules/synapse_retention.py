"""What Synapse's retention leaves in its event lake and counters, and what Tally keeps: D-07, D-09 and D-19."""

from expectations.rule import Mutation, Rule
from expectations.rules.synapse_counters import (
    A_KEPT_DAY,
    BY_DAY,
    BY_MEMBER,
    COUNTED_LOADS,
    COUNTED_MEMBERS,
    DAYS,
    DAYS_TOUCHED,
    KEPT_DAYS,
    LATE_DAYS,
    PERIODS,
    RETENTION_DAYS,
    UNPURGED,
    change_counter,
)

RULES = (
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
            select user_id || ':' || event_type as subject, sum(recorded - events) as amount,
                jsonb_build_object('days', count(*), 'from', min(day), 'to', max(day)) as evidence,
                max(day)::timestamp at time zone 'UTC' as happened_at
            from synapse_events_by_member_and_day
            cross join synapse_days_of_lake as days
            where recorded > events and day > days.first and day <= days.newest - {LATE_DAYS}
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
                        order by timestamp, id limit 1
                    )
                """,
            ),
        ),
        reads=BY_DAY,
        scope=DAYS_TOUCHED,
    ),
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
