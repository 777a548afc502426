"""What must hold of the telemetry of Hermes: B-14 to B-17.

Devices lose events and send them late, so too few of them are no fault; names that a new version of the app brings are
none either.
"""

from expectations.rule import Mutation, Rule, Scope, Summary
from expectations.rules.hermes import change_one, remove_one
from expectations.rules.hermes_study import SESSIONS

# How far a device's clock may be off, and how long a session is that nobody ended.
CLOCK_SKEW = "interval '5 minutes'"
LONGEST_SESSION = "interval '24 hours'"
_ENDS_AT = f"coalesce(ended_at, started_at + {LONGEST_SESSION}) + {CLOCK_SKEW}"

EVENT_TYPES = Scope("hermes_event_type", {"analytics_event_types": "id", "analytics_events": "analytics_event_type_id"})
# Markets, clips and outcomes that come later can only mend what named them before.
EVENTS = Scope(
    "hermes_event",
    {
        "analytics_event_attributes": "analytics_event_id",
        "markets": "null::uuid",
        "events": "null::uuid",
        "outcomes": "null::uuid",
    },
)

TELEMETRY_BY_SESSION = Summary(
    name="hermes_telemetry_by_session",
    query="""
        select session_id, user_id, count(*) as events,
            count(*) filter (where event_name = 'selection_accepted') as picks_accepted,
            min(occurred_at) as first_at, max(occurred_at) as last_at
        from raw_hermes.analytics_events
        left join raw_hermes.analytics_event_types on analytics_event_types.id = analytics_event_type_id
        where session_id is not null and in_scope(analytics_events.session_id)
        group by 1, 2
    """,
    scope=SESSIONS,
)

RULES = (
    Rule(
        id="B-14",
        system="hermes",
        title="Every telemetry event is of a kind that the study knows.",
        severity="error",
        unit=None,
        tables=("analytics_events", "analytics_event_types"),
        query="""
            select analytics_event_type_id::text as subject, null::numeric as amount,
                jsonb_build_object('events', count(*), 'first_at', min(occurred_at)) as evidence,
                max(occurred_at) as happened_at
            from raw_hermes.analytics_events
            where in_scope(analytics_events.analytics_event_type_id)
            and not exists (
                select from raw_hermes.analytics_event_types as known
                where known.id = analytics_events.analytics_event_type_id
            )
            group by analytics_event_type_id
        """,
        mutations=(
            Mutation(
                "an event is of an unknown kind",
                change_one("analytics_events", "analytics_event_type_id = gen_random_uuid()"),
            ),
            Mutation("a kind of event is gone", remove_one("analytics_event_types", "event_name = 'preview_started'")),
        ),
        scope=EVENT_TYPES,
    ),
    # Values may be anything that a device sent, also words: only what is an id is shown.
    Rule(
        id="B-15",
        system="hermes",
        title="A telemetry event has one value for each attribute, and names markets, clips and outcomes that exist.",
        severity="error",
        unit=None,
        tables=("analytics_event_attributes", "markets", "events", "outcomes"),
        query="""
            with named as (
                select analytics_event_id, attribute_key, attribute_value,
                    case when pg_input_is_valid(attribute_value, 'uuid') then attribute_value::uuid end as id
                from raw_hermes.analytics_event_attributes
                where in_scope(analytics_event_attributes.analytics_event_id)
            ),
            found as (
                select analytics_event_id, attribute_key, id as unknown_id, 'names what does not exist' as fault
                from named
                where attribute_value is not null
                and case attribute_key
                    when 'market_id' then not exists (select from raw_hermes.markets where markets.id = named.id)
                    when 'event_id' then not exists (select from raw_hermes.events where events.id = named.id)
                    when 'outcome_id' then not exists (select from raw_hermes.outcomes where outcomes.id = named.id)
                end
                union all
                select analytics_event_id, attribute_key, null, 'given again'
                from raw_hermes.analytics_event_attributes
                where in_scope(analytics_event_attributes.analytics_event_id)
                group by analytics_event_id, attribute_key
                having count(*) > 1
            )
            select analytics_event_id || ' ' || attribute_key as subject, null::numeric as amount,
                jsonb_build_object('faults', jsonb_agg(fault), 'unknown_id', max(unknown_id::text)) as evidence,
                null::timestamptz as happened_at
            from found
            group by analytics_event_id, attribute_key
        """,
        mutations=(
            Mutation(
                "an attribute is given twice",
                """
                insert into raw_hermes.analytics_event_attributes
                    (id, analytics_event_id, attribute_key, attribute_value, _load_id)
                select gen_random_uuid(), analytics_event_id, attribute_key, attribute_value, _load_id
                from raw_hermes.analytics_event_attributes order by id limit 1
                """,
            ),
            Mutation(
                "an event names a market that does not exist",
                change_one(
                    "analytics_event_attributes", "attribute_value = gen_random_uuid()", "attribute_key = 'market_id'"
                ),
            ),
            Mutation(
                "an event names a clip that does not exist",
                change_one(
                    "analytics_event_attributes", "attribute_value = gen_random_uuid()", "attribute_key = 'event_id'"
                ),
            ),
            Mutation(
                "an event names an outcome where a market should be",
                change_one(
                    "analytics_event_attributes",
                    "attribute_value = (select min(id::text) from raw_hermes.outcomes)",
                    "attribute_key = 'market_id'",
                ),
            ),
            Mutation(
                "an event names its outcome by a word",
                change_one("analytics_event_attributes", "attribute_value = 'YES'", "attribute_key = 'outcome_id'"),
            ),
        ),
        scope=EVENTS,
    ),
    Rule(
        id="B-16",
        system="hermes",
        title="The telemetry of a session is of the participant whose session it is.",
        severity="error",
        unit=None,
        tables=("analytics_events", "sessions", "analytics_event_types"),
        query="""
            select sessions.id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'user_id', sessions.user_id, 'events_of_others', jsonb_object_agg(telemetry.user_id, events)
                ) as evidence,
                min(first_at) as happened_at
            from hermes_telemetry_by_session as telemetry
            inner join raw_hermes.sessions on sessions.id = telemetry.session_id
            where telemetry.user_id <> sessions.user_id and in_scope(sessions.id)
            group by sessions.id
        """,
        mutations=(
            Mutation(
                "an event is of somebody else",
                change_one(
                    "analytics_events",
                    "user_id = (select id from raw_hermes.users where id <> analytics_events.user_id limit 1)",
                ),
            ),
            Mutation(
                "a session changes hands",
                change_one(
                    "sessions",
                    "user_id = (select id from raw_hermes.users where id <> sessions.user_id limit 1)",
                    "id in (select session_id from raw_hermes.analytics_events)",
                ),
            ),
        ),
        reads=(TELEMETRY_BY_SESSION,),
        scope=SESSIONS,
    ),
    # A retry may be answered once more, and an answer may be lost.
    Rule(
        id="B-17",
        system="hermes",
        title="The telemetry of a session falls within it, and tells of no more accepted picks than there are.",
        severity="warn",
        unit=None,
        tables=("analytics_events", "sessions", "bet_intents", "analytics_event_types"),
        query=f"""
            with reported as (
                select session_id, sum(picks_accepted) as picks_accepted, min(first_at) as first_at,
                    max(last_at) as last_at
                from hermes_telemetry_by_session
                group by 1
            ),
            received as (
                select session_id, count(*) as picks_accepted
                from raw_hermes.bet_intents
                where accepted and session_id is not null and in_scope(bet_intents.session_id)
                group by 1
            )
            select sessions.id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'started_at', started_at, 'ended_at', ended_at, 'first_event_at', first_at,
                    'last_event_at', last_at, 'accepted_reported', reported.picks_accepted,
                    'accepted', coalesce(received.picks_accepted, 0)
                ) as evidence,
                started_at as happened_at
            from reported
            inner join raw_hermes.sessions on sessions.id = reported.session_id
            left join received on received.session_id = reported.session_id
            where in_scope(sessions.id)
            and (
                first_at < started_at - {CLOCK_SKEW} or last_at > {_ENDS_AT}
                or reported.picks_accepted > coalesce(received.picks_accepted, 0)
            )
        """,  # noqa: S608 - no outside input
        mutations=(
            Mutation(
                "an event occurs before its session",
                change_one("analytics_events", "occurred_at = occurred_at - interval '6 hours'"),
            ),
            Mutation(
                "an event occurs long after its session",
                change_one(
                    "analytics_events",
                    "occurred_at = occurred_at + interval '6 hours'",
                    "session_id in (select id from raw_hermes.sessions where ended_at is not null)",
                ),
            ),
            Mutation(
                "an event occurs a day after a session that nobody ended",
                change_one(
                    "analytics_events",
                    "occurred_at = occurred_at + interval '25 hours'",
                    "session_id in (select id from raw_hermes.sessions where ended_at is null)",
                ),
            ),
            Mutation(
                "a device reports more accepted picks than the server accepted",
                """
                update raw_hermes.analytics_events set analytics_event_type_id = (
                    select id from raw_hermes.analytics_event_types where event_name = 'selection_accepted'
                )
                where session_id = (select min(session_id::text)::uuid from raw_hermes.bet_intents where accepted)
                """,
            ),
        ),
        reads=(TELEMETRY_BY_SESSION,),
        scope=SESSIONS,
    ),
)
