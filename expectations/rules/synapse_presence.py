"""What must hold of members' stays, in voice and in a guild: D-15 and D-16."""

from expectations.rule import Mutation, Rule, Scope, Summary
from expectations.rules.synapse import new_entries, update_one
from expectations.rules.synapse_counters import DAYS, DAYS_TOUCHED, LATE_DAYS

# From when until when capturing a type was switched off: before the first change of its switch, as that found it; then
# as each change left it; and where nobody ever changed it, as the setting stands.
SWITCHED_OFF = Summary(
    "synapse_switched_off",
    """
        with changes as (
            select
                target_id as setting,
                id,
                timestamp,
                lead(timestamp, 1, 'infinity') over (partition by target_id order by timestamp, id) as until,
                before_snapshot ->> 'value_json' = 'false' as was_off,
                after_snapshot ->> 'value_json' = 'false' as is_off,
                row_number() over (partition by target_id order by timestamp, id) as place
            from raw_synapse.admin_log
            where target_table = 'settings'
        ),
        states as (
            select setting, timestamp as since, until, is_off from changes
            union all
            select setting, '-infinity', timestamp, was_off from changes where place = 1
            union all
            select key, '-infinity', 'infinity', value_json = 'false' from raw_synapse.settings
            where key not in (select setting from changes where setting is not null)
        )
        select split_part(setting, '.', 3) as event_type, since, until
        from states
        where is_off and setting like 'event_lake.source.%.enabled'
    """,
)

_COMES_OR_GOES = "event_type in ('member_join', 'member_leave')"
# Members who join or leave a guild; all of them when the switch of such a capture is moved.
GUESTS = Scope(
    "synapse_guests",
    {
        "event_lake": f"case when {_COMES_OR_GOES} then user_id end",
        "admin_log": f"""unnest(
            case
                when target_table = 'settings' and target_id like 'event_lake.source.%.enabled'
                    then array(select user_id from raw_synapse.event_lake where {_COMES_OR_GOES})
            end
        )""",  # noqa: S608 - no outside input
    },
    due=f"""
        select user_id as key from raw_synapse.event_lake
        where {_COMES_OR_GOES} and timestamp >= (
            select coalesce(max(timestamp)::date - {LATE_DAYS}, '-infinity') from raw_synapse.event_lake
            where {_COMES_OR_GOES} and _load_id not in (select load_id from new_loads)
        )
    """,  # noqa: S608 - no outside input
)

RULES = (
    # After a restart the bot does not know when a stay began: duration 0, and perhaps no join. A join may also be late,
    # have been purged before the first delivery, or not captured. Six ticks an hour come every ten minutes, give or
    # take some seconds. The joins are materialised, so that they are hashed and not looked up one by one.
    Rule(
        id="D-15",
        system="synapse",
        title="A stay in voice begins before it ends within a day, a move changes the room, and an hour has six ticks.",
        severity="error",
        unit=None,
        tables=("event_lake", "activity_log"),
        query=rf"""
            with captured as not materialized (
                select *, (timestamp at time zone 'UTC')::date as day
                from raw_synapse.event_lake
                where from_scope(event_lake.timestamp)
            ),
            stays as (
                select id, user_id, source_id, timestamp,
                    case
                        when payload ->> 'duration_seconds' ~ '^-?[0-9]{{1,15}}(\.[0-9]{{1,9}})?$'
                            then (payload ->> 'duration_seconds')::numeric
                    end as seconds
                from captured
                where event_type = 'voice_leave' and in_scope(captured.day)
            ),
            joins as materialized (
                select user_id, source_id, timestamp from raw_synapse.event_lake where event_type = 'voice_join'
            ),
            unbegun as (
                select stays.*
                from stays
                cross join synapse_days_of_lake as days
                where source_id like '%leave%'
                and seconds is distinct from 0
                and timestamp >= (days.first + 2)::timestamp at time zone 'UTC'
                and timestamp < (days.newest - {LATE_DAYS} + 1)::timestamp at time zone 'UTC'
                and not exists (
                    select from joins
                    where joins.source_id = replace(stays.source_id, 'leave', 'join')
                    and joins.user_id = stays.user_id
                    and joins.timestamp <= stays.timestamp
                )
                and not exists (
                    select from synapse_switched_off as off
                    where off.event_type = 'voice_join'
                    and off.since <= stays.timestamp and off.until >= stays.timestamp - interval '1 day'
                )
            ),
            ticks as (
                select id, timestamp,
                    lag(timestamp, 6) over (partition by user_id order by timestamp) as sixth_before
                from raw_synapse.activity_log
                where event_type = 'VOICE_TICK' and from_scope(activity_log.timestamp)
            )
            select 'event ' || id as subject, null::numeric as amount,
                jsonb_build_object('user_id', user_id::text, 'source_id', source_id, 'join', null) as evidence,
                timestamp as happened_at
            from unbegun
            union all
            select 'event ' || id, null,
                jsonb_build_object('user_id', user_id::text, 'duration_seconds', seconds), timestamp
            from stays
            where seconds not between 0 and 86400
            union all
            select 'event ' || id, null,
                jsonb_build_object('user_id', user_id::text, 'from_and_to', payload -> 'to_channel_id'), timestamp
            from captured
            where event_type = 'voice_move' and payload ->> 'from_channel_id' = payload ->> 'to_channel_id'
                and in_scope(captured.day)
            union all
            select 'entry ' || id, null, jsonb_build_object('sixth_tick_before', sixth_before), timestamp
            from ticks
            where timestamp - sixth_before < interval '59 minutes'
        """,  # noqa: S608
        mutations=(
            Mutation(
                "the join of a stay was of another session",
                """
                    update raw_synapse.event_lake set source_id = source_id || '-other'
                    where id = (
                        select max(joins.id)
                        from raw_synapse.event_lake as joins
                        inner join raw_synapse.event_lake as leaves
                            on leaves.source_id = replace(joins.source_id, '-join', '-leave')
                        where joins.event_type = 'voice_join' and leaves.payload ->> 'duration_seconds' <> '0'
                        and leaves.timestamp < (select max(timestamp) - interval '4 days' from raw_synapse.event_lake)
                    )
                """,
            ),
            Mutation(
                "a stay ends before it begins",
                """
                    update raw_synapse.event_lake as leaves set timestamp = joins.timestamp - interval '1 second'
                    from raw_synapse.event_lake as joins
                    where joins.source_id = replace(leaves.source_id, '-leave', '-join')
                    and leaves.id = (
                        select max(id) from raw_synapse.event_lake
                        where event_type = 'voice_leave' and payload ->> 'duration_seconds' <> '0'
                        and timestamp < (select max(timestamp) - interval '4 days' from raw_synapse.event_lake)
                    )
                """,
            ),
            Mutation(
                "a stay lasts a second more than a day",
                update_one(
                    "event_lake",
                    """payload = payload || '{"duration_seconds": 86401}'""",
                    "event_type = 'voice_leave'",
                ),
            ),
            Mutation(
                "a move leads to the same room",
                update_one(
                    "event_lake",
                    "payload = payload || jsonb_build_object('to_channel_id', payload -> 'from_channel_id')",
                    "event_type = 'voice_move'",
                ),
            ),
            Mutation(
                "a member gets seven ticks within an hour",
                new_entries(
                    "VOICE_TICK",
                    "select entry.timestamp - tick * interval '9 minutes' from generate_series(0, 6) as tick",
                ),
            ),
        ),
        needs_all=False,
        reads=(DAYS, SWITCHED_OFF),
        scope=DAYS_TOUCHED,
    ),
    # The bot misses what happens while it is down, so this only warns.
    Rule(
        id="D-16",
        system="synapse",
        title="A member joins and leaves a guild in turn.",
        severity="warn",
        unit=None,
        tables=("event_lake",),
        query=f"""
            with in_order as (
                select
                    id, guild_id, user_id, event_type, timestamp,
                    lag(event_type) over member as event_before,
                    lag(timestamp) over member as before_at
                from raw_synapse.event_lake
                where event_type in ('member_join', 'member_leave') and in_scope(event_lake.user_id)
                window member as (partition by guild_id, user_id order by timestamp, id)
            )
            select 'event ' || id as subject, null::numeric as amount,
                jsonb_build_object(
                    'guild_id', guild_id::text, 'user_id', user_id::text, 'twice', event_type, 'before_at', before_at
                ) as evidence,
                timestamp as happened_at
            from in_order
            cross join synapse_days_of_lake as days
            where event_type = event_before
            and timestamp < (days.newest - {LATE_DAYS} + 1)::timestamp at time zone 'UTC'
            and not exists (
                select from synapse_switched_off as off
                where off.event_type in ('member_join', 'member_leave')
                and off.since <= in_order.timestamp and off.until >= in_order.before_at
            )
        """,  # noqa: S608
        mutations=(
            Mutation(
                "a member who left a guild twice came back to another",
                """
                    update raw_synapse.event_lake set guild_id = -guild_id
                    where id = (
                        select max(joins.id)
                        from raw_synapse.event_lake as joins
                        inner join raw_synapse.event_lake as earlier using (guild_id, user_id)
                        inner join raw_synapse.event_lake as later using (guild_id, user_id)
                        where joins.event_type = 'member_join'
                        and earlier.event_type = 'member_leave' and earlier.timestamp < joins.timestamp
                        and later.event_type = 'member_leave' and later.timestamp > joins.timestamp
                        and later.timestamp < (select max(timestamp) - interval '4 days' from raw_synapse.event_lake)
                    )
                """,
            ),
        ),
        reads=(DAYS, SWITCHED_OFF),
        scope=GUESTS,
    ),
)
