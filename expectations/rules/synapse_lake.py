"""What must hold of Synapse's event lake itself: D-01 (also of the activity log), D-15, D-16, D-18 and D-20."""

from expectations.rule import Mutation, Rule, Scope, Summary
from expectations.rules.synapse import new_entries, update_one
from expectations.rules.synapse_counters import DAYS, EVENTS, LATE_DAYS

SOURCES = Scope("synapse_sources", {"event_lake": "source_id", "activity_log": "source_event_id"})
LAKE_ROWS = Scope("synapse_lake_rows", {"event_lake": "id"})

# What a payload may hold: the dbt var `s003_payload_keys`, and names of threads and channels, which marts leave out.
PAYLOAD_KEYS = (
    "length, word_count, has_code_block, has_link, has_attachment, attachment_count, emoji_count, is_reply,"
    " reply_to_user_id, emoji_name, emoji, message_id, parent_channel_id, channel_id, from_channel_id, to_channel_id,"
    " self_mute, self_deaf, is_afk, was_afk, duration_seconds, joined_at, channel, page, namespace, added, deleted,"
    " delta, isAnonymous, isMinor, isNew, isRobot, isUnpatrolled, countryIsoCode"
)
NAMES = "name, channel_name"

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


def _repeated(table: str, keys: str, key: str, scope: str) -> str:
    """Keys that more than one row has: found in the index alone, and only then looked at."""
    same = " and ".join(f"rows.{name} = repeated.{name}" for name in keys.split(", "))
    return f"""
        select '{table} ' || {key} as subject, null::numeric as amount,
            jsonb_build_object('rows', repeated.rows, 'ids', found.ids) as evidence,
            found.last_at as happened_at
        from (
            select {keys}, count(*) as rows
            from raw_synapse.{table}
            where {scope.rpartition(".")[2]} is not null and in_scope({scope})
            group by {keys}
            having count(*) > 1
        ) as repeated
        cross join lateral (
            select max(timestamp) as last_at, (array_agg(id order by id))[:10] as ids
            from raw_synapse.{table} as rows
            where {same}
        ) as found
    """  # noqa: S608 - no outside input


RULES = (
    # A null key is no key: removed reactions and voice ticks may repeat within a second.
    Rule(
        id="D-01",
        system="synapse",
        title="No event is in the lake or was rewarded twice: what a repetition is recognised by is unique.",
        severity="error",
        unit=None,
        tables=("event_lake", "activity_log"),
        query="\nunion all\n".join(
            (
                _repeated("event_lake", "source_id", "repeated.source_id", "event_lake.source_id"),
                _repeated(
                    "activity_log",
                    "source_system, source_event_id",
                    "repeated.source_system || ':' || repeated.source_event_id",
                    "activity_log.source_event_id",
                ),
            )
        ),
        mutations=(
            Mutation(
                "two events of the lake share a key over a month",
                """
                    update raw_synapse.event_lake set source_id = (
                        select source_id from raw_synapse.event_lake
                        where source_id is not null order by timestamp desc limit 1
                    )
                    where id = (
                        select id from raw_synapse.event_lake
                        where event_type = 'message_create' order by timestamp limit 1
                    )
                """,
            ),
            Mutation(
                "one event was rewarded twice",
                """
                    update raw_synapse.activity_log set source_event_id = (
                        select max(source_event_id) from raw_synapse.activity_log
                    )
                    where source_event_id = (select min(source_event_id) from raw_synapse.activity_log)
                """,
            ),
        ),
        needs_all=False,
        scope=SOURCES,
    ),
    # After a restart the bot does not know when a stay began: duration 0, and perhaps no join. A join may also be late,
    # have been purged before the first delivery, or not captured. Six ticks an hour come every ten minutes, give or
    # take some seconds.
    Rule(
        id="D-15",
        system="synapse",
        title="A stay in voice begins before it ends within a day, a move changes the room, and an hour has six ticks.",
        severity="error",
        unit=None,
        tables=("event_lake", "activity_log"),
        query=rf"""
            with {DAYS},
            stays as (
                select id, user_id, event_type, source_id, timestamp,
                    case
                        when payload ->> 'duration_seconds' ~ '^-?\d{{1,15}}(\.\d{{1,9}})?$'
                            then (payload ->> 'duration_seconds')::numeric
                    end as seconds
                from raw_synapse.event_lake
                where event_type = 'voice_leave'
            ),
            joins as (
                select user_id, source_id, timestamp from raw_synapse.event_lake where event_type = 'voice_join'
            ),
            unbegun as (
                select stays.*
                from stays
                cross join days
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
                where event_type = 'VOICE_TICK'
            )
            select 'event ' || id as subject, null::numeric as amount,
                jsonb_build_object('user_id', user_id, 'source_id', source_id, 'join', null) as evidence,
                timestamp as happened_at
            from unbegun
            union all
            select 'event ' || id, null, jsonb_build_object('user_id', user_id, 'duration_seconds', seconds), timestamp
            from stays
            where seconds not between 0 and 86400
            union all
            select 'event ' || id, null,
                jsonb_build_object('user_id', user_id, 'from_and_to', payload -> 'to_channel_id'), timestamp
            from raw_synapse.event_lake
            where event_type = 'voice_move' and payload ->> 'from_channel_id' = payload ->> 'to_channel_id'
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
        reads=(EVENTS, SWITCHED_OFF),
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
            with {DAYS},
            in_order as (
                select
                    id, guild_id, user_id, event_type, timestamp,
                    lag(event_type) over member as event_before,
                    lag(timestamp) over member as before_at
                from raw_synapse.event_lake
                where event_type in ('member_join', 'member_leave')
                window member as (partition by guild_id, user_id order by timestamp, id)
            )
            select 'event ' || id as subject, null::numeric as amount,
                jsonb_build_object(
                    'guild_id', guild_id, 'user_id', user_id, 'twice', event_type, 'before_at', before_at
                ) as evidence,
                timestamp as happened_at
            from in_order
            cross join days
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
        reads=(EVENTS, SWITCHED_OFF),
    ),
    Rule(
        id="D-18",
        system="synapse",
        title="No event holds words: its payload has known keys only.",
        severity="error",
        unit=None,
        tables=("event_lake",),
        query=f"""
            with unknown as (
                select id, event_type, timestamp,
                    case coalesce(jsonb_typeof(payload), 'null')
                        when 'object' then payload - '{{{PAYLOAD_KEYS}, {NAMES}}}'::text[]
                        when 'null' then '{{}}'
                        else jsonb_build_object(jsonb_typeof(payload), null)
                    end as parts
                from raw_synapse.event_lake
                where in_scope(event_lake.id)
            )
            -- The words themselves stay where they are: the evidence names their keys.
            select 'event ' || id as subject, null::numeric as amount,
                jsonb_build_object(
                    'event_type', event_type, 'unknown', (select jsonb_agg(key) from jsonb_object_keys(parts) as key)
                ) as evidence,
                timestamp as happened_at
            from unknown
            where parts <> '{{}}'
        """,  # noqa: S608
        mutations=(
            Mutation(
                "a message is captured with its content",
                update_one("event_lake", """payload = payload || '{"content": "hello"}'""", "true"),
            ),
            Mutation(
                "a payload is a text",
                update_one("event_lake", """payload = '"hello"'""", "true"),
            ),
        ),
        scope=LAKE_ROWS,
    ),
    # Lake and log are two accounts of one action: they differ by what was switched off, by what failed, and by an event
    # around midnight that the two date to different days. Days that may still gain late rows are not judged.
    Rule(
        id="D-20",
        system="synapse",
        title="A member's messages of a day agree in lake and log within 1%, and reactions in the lake are no fewer.",
        severity="warn",
        unit="events",
        tables=("event_lake", "activity_log"),
        query=f"""
            with {DAYS},
            rewarded as (
                select
                    user_id,
                    case event_type when 'MESSAGE' then 'message_create' else 'reaction_add' end as event_type,
                    (timestamp at time zone 'UTC')::date as day,
                    count(*) as entries
                from raw_synapse.activity_log
                where event_type in ('MESSAGE', 'REACTION_GIVEN')
                group by 1, 2, 3
            ),
            captured as (
                select * from synapse_events_by_member_and_day
                where event_type in ('message_create', 'reaction_add')
            ),
            compared as (
                select
                    user_id, event_type, day, coalesce(events, 0) as events, coalesce(entries, 0) as entries
                from captured
                full join rewarded using (user_id, event_type, day)
            )
            select user_id || ':' || event_type || ' ' || day as subject, abs(events - entries)::numeric as amount,
                jsonb_build_object('in_the_lake', events, 'in_the_log', entries) as evidence,
                day::timestamp at time zone 'UTC' as happened_at
            from compared
            cross join days
            where day > days.first and day <= days.newest - {LATE_DAYS}
            and case event_type when 'message_create' then abs(events - entries) else entries - events end
                > greatest(1, 0.01 * greatest(events, entries))
            and (event_type, day) in (select event_type, day from captured)
            and not exists (
                select from synapse_switched_off as off
                where off.event_type = compared.event_type
                and (off.since at time zone 'UTC')::date <= compared.day
                and (off.until at time zone 'UTC')::date >= compared.day
            )
        """,  # noqa: S608
        mutations=(
            Mutation(
                "two messages of a day were rewarded as something else",
                """
                    update raw_synapse.activity_log set event_type = 'MANUAL_AWARD'
                    where id in (
                        select id from raw_synapse.activity_log
                        where event_type = 'MESSAGE' and season_id is null
                        and (user_id, timestamp::date) in (
                            select user_id, timestamp::date from raw_synapse.activity_log
                            where event_type = 'MESSAGE'
                            and timestamp::date > (select min(timestamp)::date from raw_synapse.event_lake)
                            group by 1, 2 having count(*) > 3 order by min(timestamp) limit 1
                        )
                        limit 2
                    )
                """,
            ),
            Mutation(
                "reactions are rewarded that nobody gave",
                new_entries(
                    "REACTION_GIVEN",
                    "select entry.timestamp + day * interval '1 day'"
                    " from generate_series(1, 5) as day, generate_series(1, 10)",
                ),
            ),
        ),
        reads=(EVENTS, SWITCHED_OFF),
    ),
)
