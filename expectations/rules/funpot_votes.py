"""What must hold of FunPot's votes, each by itself or with its event: A-06, A-07 and A-08.

The stakes of votes have their own module, `funpot_stakes`; what they win, `funpot_pools` and `funpot_settlements`.
"""

# ruff: noqa: S608 - queries and mutations are put together from parts that are written in these modules

from expectations.rule import Mutation, Rule, Scope
from expectations.rules.funpot import MOVEMENT, ON_STAKES, USERS, copy_one, update_one

_EVENTS = Scope("funpot_events", {"events": "id", "votes": "event_id"})

RULES = (
    # Who votes anew after a rollback has one vote that counts.
    Rule(
        id="A-06",
        system="funpot",
        title="Nobody votes twice on one event.",
        severity="error",
        unit="INT",
        tables=("votes", "wallet_ledger"),
        needs_all=False,
        scope=USERS,
        query=f"""
            with repeated as (
                select user_id, event_id from raw_funpot.votes
                where in_scope(votes.user_id)
                group by 1, 2
                having count(*) > 1
            ),

            rollbacks as (
                select user_id, ref_id, left(idempotency_key, -9) as vote_key
                from raw_funpot.wallet_ledger
                where {ON_STAKES} and {MOVEMENT} = 'rolled_back' and in_scope(wallet_ledger.user_id)
            ),

            counted as (
                select
                    votes.*,
                    row_number() over one_event as place,
                    first_value(votes.id) over one_event as first_vote_id
                from raw_funpot.votes
                inner join repeated using (user_id, event_id)
                where not exists (
                    select from rollbacks
                    where rollbacks.user_id = votes.user_id and (
                        ref_id = votes.id::text
                        or (ref_id = votes.event_id::text and vote_key = votes.idempotency_key)
                    )
                )
                window one_event as (partition by user_id, event_id order by votes.created_at, votes.id)
            )

            select
                id::text as subject,
                cost_int::numeric as amount,
                jsonb_build_object(
                    'event_id', event_id, 'user_id', user_id, 'option_id', option_id,
                    'first_vote_id', first_vote_id, 'place', place
                ) as evidence,
                created_at as happened_at
            from counted
            where place > 1
        """,
        mutations=(
            Mutation(
                name="somebody voted again a second later",
                sql=copy_one(
                    "votes", "cost_int = 0", created_at="created_at + interval '1 second'", idempotency_key="null"
                ),
            ),
            Mutation(
                name="a vote is moved to the event of an earlier one of the same user",
                sql="""
                    update raw_funpot.votes set event_id = earlier.event_id
                    from (
                        select distinct on (user_id) user_id, event_id, created_at
                        from raw_funpot.votes order by user_id, created_at
                    ) as earlier
                    where votes.id = (select id from raw_funpot.votes order by created_at desc limit 1)
                        and earlier.user_id = votes.user_id
                """,
            ),
        ),
    ),
    Rule(
        id="A-07",
        system="funpot",
        title="Every option that is voted for or decided on is one that its event offers.",
        severity="error",
        unit="INT",
        tables=("events", "votes"),
        scope=_EVENTS,
        query="""
            with offered as (
                select events.id as event_id,
                    coalesce(option ->> 'id', case when jsonb_typeof(option) <> 'object' then option #>> '{}' end)
                        as option_id
                from raw_funpot.events
                cross join lateral jsonb_array_elements(
                    case when jsonb_typeof(options_json) = 'array' then options_json else '[]' end
                ) as option
                where in_scope(events.id)
            ),

            voted as (
                select event_id, option_id, count(*) as votes, sum(cost_int) as staked, max(created_at) as last_cast_at
                from raw_funpot.votes
                where in_scope(votes.event_id)
                group by 1, 2
            ),

            decided as (
                select events.id as event_id, result_json ->> 'optionId' as option_id
                from raw_funpot.events
                where in_scope(events.id)
                union
                select events.id, coalesce(option ->> 'id', option #>> '{}')
                from raw_funpot.events
                cross join (values ('winning_options'), ('refunded_options')) as lists (name)
                cross join lateral jsonb_array_elements(
                    case
                        when jsonb_typeof(result_json -> lists.name) = 'array' then result_json -> lists.name else '[]'
                    end
                ) as option
                where in_scope(events.id)
            ),

            named as (
                select event_id, option_id, voted.votes, voted.staked, voted.last_cast_at,
                    decided.event_id is not null as is_decided_on
                from voted
                full join decided using (event_id, option_id)
            ),

            pools as (
                select event_id, sum(staked) as pool from voted group by event_id
            )

            select
                named.event_id || ' ' || named.option_id as subject,
                coalesce(case when is_decided_on then pool else staked end, 0) as amount,
                jsonb_build_object(
                    'votes', coalesce(votes, 0), 'staked', coalesce(staked, 0), 'is_decided_on', is_decided_on,
                    'options', events.options_json
                ) as evidence,
                coalesce(last_cast_at, events.updated_at) as happened_at
            from named
            inner join raw_funpot.events on named.event_id = events.id
            left join pools on named.event_id = pools.event_id
            left join offered on named.event_id = offered.event_id and named.option_id = offered.option_id
            where named.option_id is not null and offered.event_id is null
        """,
        mutations=(
            Mutation(
                name="a vote is for an option that nobody offered",
                sql=update_one("votes", "option_id = 'nobody'"),
            ),
            Mutation(
                name="an option that was voted for is withdrawn",
                sql=update_one(
                    "events",
                    "options_json = options_json - 0",
                    "(select option_id from raw_funpot.votes where event_id = events.id"
                    " and option_id = coalesce(options_json -> 0 ->> 'id', options_json ->> 0) limit 1) is not null",
                ),
            ),
            Mutation(
                name="the result names an option that nobody offered",
                sql=update_one(
                    "events",
                    "result_json = jsonb_set(result_json, '{optionId}', '\"nobody\"')",
                    "result_json ? 'optionId'",
                ),
            ),
            Mutation(
                name="one of several winners was never offered",
                sql=update_one(
                    "events",
                    "result_json = jsonb_set(result_json, '{winning_options,0}', '\"nobody\"')",
                    "result_json ? 'winning_options'",
                ),
            ),
        ),
    ),
    # A second is allowed for the clocks of the servers; A-19 tells of the votes that needed it. The last change of an
    # event that is over is the latest at which it can have ended.
    Rule(
        id="A-08",
        system="funpot",
        title="Nobody votes on an event that is over.",
        severity="error",
        unit="INT",
        tables=("votes", "events"),
        scope=_EVENTS,
        query="""
            select
                votes.id::text as subject,
                votes.cost_int::numeric as amount,
                jsonb_build_object(
                    'event_id', votes.event_id, 'state', events.state, 'cast_at', votes.created_at,
                    'closes_at', events.closes_at, 'last_changed_at', events.updated_at
                ) as evidence,
                votes.created_at as happened_at
            from raw_funpot.votes
            inner join raw_funpot.events on votes.event_id = events.id
            where in_scope(votes.event_id)
                and (
                    votes.created_at >= events.closes_at + interval '1 second'
                    or (events.state <> 'live' and votes.created_at >= events.updated_at + interval '1 second')
                )
        """,
        mutations=(
            Mutation(
                name="a vote is cast a second after the end",
                sql="""
                    update raw_funpot.votes set created_at = events.closes_at + interval '1 second'
                    from raw_funpot.events
                    where votes.event_id = events.id
                        and votes.id = (select id from raw_funpot.votes order by created_at limit 1)
                """,
            ),
            Mutation(
                name="a vote is cast on an event that was cancelled before",
                sql="""
                    update raw_funpot.votes set created_at = events.updated_at + interval '2 seconds'
                    from raw_funpot.events
                    where votes.event_id = events.id and votes.id = (
                        select votes.id from raw_funpot.votes
                        inner join raw_funpot.events on votes.event_id = events.id
                        where events.state = 'cancelled'
                            and events.updated_at + interval '2 seconds' < events.closes_at
                        order by votes.id limit 1
                    )
                """,
            ),
            Mutation(
                name="an event was closed earlier than its last vote",
                sql=update_one(
                    "events",
                    "closes_at = created_at + interval '1 second'",
                    "id in (select event_id from raw_funpot.votes)",
                ),
            ),
        ),
    ),
)
