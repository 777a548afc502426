"""What must hold of Synapse's event lake as a whole, and beside the activity log: D-01, D-18 and D-20.

Stays in voice and in guilds are in `synapse_presence`.
"""

from expectations.repeated import repeated
from expectations.rule import Mutation, Rule, Scope
from expectations.rules.synapse import new_entries, update_one
from expectations.rules.synapse_counters import BY_DAY, DAYS_TOUCHED, LATE_DAYS
from expectations.rules.synapse_presence import SWITCHED_OFF

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

_EVENTS_REPEATED = repeated(
    "raw_synapse.event_lake", "source_id", "'event_lake ' || repeated.source_id", "timestamp", "event_lake.source_id"
)
_REWARDS_REPEATED = repeated(
    "raw_synapse.activity_log",
    "source_system, source_event_id",
    "'activity_log ' || repeated.source_system || ':' || repeated.source_event_id",
    "timestamp",
    "activity_log.source_event_id",
)

RULES = (
    # A null key is no key: removed reactions and voice ticks may repeat within a second.
    Rule(
        id="D-01",
        system="synapse",
        title="No event is in the lake or was rewarded twice: what a repetition is recognised by is unique.",
        severity="error",
        unit=None,
        tables=("event_lake", "activity_log"),
        query=f"{_EVENTS_REPEATED} union all {_REWARDS_REPEATED}",
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
            with compared as (
                select user_id, event_type, day, events, entries
                from synapse_events_by_member_and_day
                where case event_type
                    when 'message_create' then abs(events - entries)
                    when 'reaction_add' then entries - events
                end > greatest(1, 0.01 * greatest(events, entries))
            ),
            captured as (
                select event_type, day from synapse_events_by_member_and_day where events > 0 group by 1, 2
            )
            select user_id || ':' || event_type || ' ' || day as subject, abs(events - entries)::numeric as amount,
                jsonb_build_object('in_the_lake', events, 'in_the_log', entries) as evidence,
                day::timestamp at time zone 'UTC' as happened_at
            from compared
            cross join synapse_days_of_lake as days
            where day > days.first and day <= days.newest - {LATE_DAYS}
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
        reads=(*BY_DAY, SWITCHED_OFF),
        scope=DAYS_TOUCHED,
    ),
)
