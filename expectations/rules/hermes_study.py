"""What must hold of the study that Hermes makes: B-13 of its arms, B-20 of its sessions."""

from expectations.rule import Mutation, Rule, Scope
from expectations.rules.hermes import change_one, words

ARMS = ("control", "modern")

SESSIONS = Scope("hermes_session", {"sessions": "id", "analytics_events": "session_id", "bet_intents": "session_id"})
PARTICIPANTS = Scope("hermes_participant", {"sessions": "user_id", "experiment_assignments": "user_id"})

RULES = (
    Rule(
        id="B-13",
        system="hermes",
        title="A participant is assigned to one arm, control or modern, and every session shows it.",
        severity="error",
        unit=None,
        tables=("sessions", "experiment_assignments"),
        query=f"""
            with arms as (
                select user_id, experiment_variant as variant, 'session' as named_by, count(*) as times,
                    max(started_at) as last_at
                from raw_hermes.sessions
                where experiment_variant is not null and in_scope(sessions.user_id)
                group by 1, 2
                union all
                select user_id, variant, 'assignment', count(*), max(assigned_at)
                from raw_hermes.experiment_assignments
                where in_scope(experiment_assignments.user_id)
                group by 1, 2
            )
            select user_id::text as subject, null::numeric as amount,
                jsonb_agg(
                    jsonb_build_object('named_by', named_by, 'variant', variant, 'times', times)
                    order by named_by, variant
                ) as evidence,
                max(last_at) as happened_at
            from arms
            group by user_id
            having count(distinct variant) > 1 or bool_or(variant not in ({words(ARMS)}))
            or bool_and(named_by = 'session')
        """,  # noqa: S608 - no outside input
        mutations=(
            Mutation(
                "a session shows the other arm",
                change_one("sessions", "experiment_variant = 'modern'", "experiment_variant = 'control'"),
            ),
            Mutation(
                "a participant is assigned to both arms",
                """
                insert into raw_hermes.experiment_assignments (id, user_id, session_id, variant, assigned_at, _load_id)
                select gen_random_uuid(), user_id, session_id, 'modern', assigned_at, _load_id
                from raw_hermes.experiment_assignments where variant = 'control' order by id limit 1
                """,
            ),
            Mutation(
                "a participant is shown an arm that the study has not",
                """
                with moved as (
                    update raw_hermes.sessions set experiment_variant = 'classic'
                    where user_id = (select min(user_id::text)::uuid from raw_hermes.sessions)
                    returning user_id
                )
                update raw_hermes.experiment_assignments set variant = 'classic'
                where user_id in (select user_id from moved)
                """,
            ),
            Mutation(
                "a participant was never assigned",
                "delete from raw_hermes.experiment_assignments"
                " where user_id = (select min(user_id::text)::uuid from raw_hermes.sessions)",
            ),
        ),
        scope=PARTICIPANTS,
    ),
    Rule(
        id="B-20",
        system="hermes",
        title="No session ends before it starts.",
        severity="error",
        unit=None,
        tables=("sessions",),
        query="""
            select id::text as subject, null::numeric as amount,
                jsonb_build_object('started_at', started_at, 'ended_at', ended_at) as evidence,
                started_at as happened_at
            from raw_hermes.sessions
            where ended_at < started_at and in_scope(sessions.id)
        """,
        mutations=(
            Mutation(
                "a session ends a moment before it starts",
                change_one("sessions", "ended_at = started_at - interval '1 millisecond'"),
            ),
        ),
        scope=SESSIONS,
    ),
)
