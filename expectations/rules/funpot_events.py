"""What must hold of FunPot's events as they stand: A-13, A-17, A-19 and A-20."""

# ruff: noqa: S608 - queries and mutations are put together from parts that are written in these modules

from expectations.rule import Mutation, Rule
from expectations.rules.funpot import NEWEST, update_one
from expectations.rules.funpot_pools import CONTESTS, POOLS, STAKED_ON
from expectations.rules.funpot_stakes import ROLLED_BACK

_SNAPSHOT_LAG = "interval '5 seconds'"  # the source takes one every one to three seconds

# How the three readings of a total compare with what is recorded.
_READINGS = ("votes", "gross", "net")


def _any_reading(condition: str) -> str:
    """Whether one reading meets the condition for every option of the event."""
    readings = (f"bool_and(coalesce({condition.replace('READING', reading)}, false))" for reading in _READINGS)
    return " or ".join(readings)


RULES = (
    # What a total counts is not said: votes, points staked, or those less the fee. An event agrees if one of the three
    # fits all its options. While it is live its totals lag behind the votes by seconds. A vote may be delivered a day
    # late, so totals that know of more votes are given a day.
    Rule(
        id="A-13",
        system="funpot",
        title="An event's totals are those of its votes: all of them when it is closed, the older ones before.",
        severity="error",
        unit=None,
        tables=("events", "votes"),
        reads=(CONTESTS, ROLLED_BACK, POOLS),
        scope=STAKED_ON,
        query=f"""
            with {NEWEST},

            snapshots as (
                select id as event_id, state, closes_at, updated_at, totals_json
                from raw_funpot.events
                where jsonb_typeof(totals_json) = 'object' and state in ('live', 'closed') and in_scope(events.id)
            ),

            recorded as (
                select
                    event_id,
                    option_id,
                    case when total ~ '^[0-9]{{1,18}}([.]0+)?$' then total::numeric end as recorded
                from snapshots
                cross join lateral jsonb_each_text(totals_json) as options (option_id, total)
            ),

            before_snapshot as (
                select
                    event_id,
                    option_id,
                    count(*) as votes,
                    sum(cost_int) as gross,
                    sum(cost_int - div(cost_int * fee_bps, 10000)) as net
                from raw_funpot.votes
                inner join funpot_contests_by_event using (event_id)
                where decision = 'open' and created_at < updated_at - {_SNAPSHOT_LAG} and in_scope(votes.event_id)
                    and not exists (select from funpot_rolled_back_by_vote where vote_id = votes.id)
                group by event_id, option_id
            ),

            compared as (
                select
                    event_id,
                    option_id,
                    case when recorded.event_id is null then 0 else recorded end as recorded,
                    coalesce(pools.votes, 0) as votes,
                    coalesce(pools.gross, 0) as gross,
                    coalesce(pools.net, 0) as net,
                    coalesce(before_snapshot.votes, 0) as least_votes,
                    coalesce(before_snapshot.gross, 0) as least_gross,
                    coalesce(before_snapshot.net, 0) as least_net
                from recorded
                full join funpot_pools_by_option as pools using (event_id, option_id)
                left join before_snapshot using (event_id, option_id)
            )

            select
                event_id::text as subject,
                null::numeric as amount,
                jsonb_build_object(
                    'state', state, 'changed_at', updated_at,
                    'options', jsonb_object_agg(option_id, jsonb_build_object(
                        'recorded', recorded, 'votes', votes, 'staked', gross, 'staked_less_fee', net
                    ))
                ) as evidence,
                updated_at as happened_at
            from compared
            inner join snapshots using (event_id)
            cross join newest
            group by event_id, state, closes_at, updated_at, delivered_until
            having case
                when state = 'live' and closes_at < delivered_until - interval '24 hours'
                    then not ({_any_reading("recorded between least_READING and READING")})
                when state = 'live' then not ({_any_reading("recorded >= least_READING")})
                else closes_at < delivered_until - interval '24 hours'
                    and not ({_any_reading("recorded = READING")})
            end
        """,
        mutations=(
            Mutation(
                name="the totals of a closed event are one too high",
                sql=update_one(
                    "events",
                    "totals_json = (select jsonb_object_agg(key, value::int + 1) from jsonb_each(totals_json))",
                    "state = 'closed'",
                ),
            ),
            Mutation(
                name="a total of a closed event cannot be read",
                sql=update_one("events", 'totals_json = totals_json || \'{"other": "many"}\'', "state = 'closed'"),
            ),
            Mutation(
                name="the totals of a live event forgot its first votes",
                sql="""
                    update raw_funpot.events set totals_json = '{}'
                    where state = 'live' and exists (
                        select from raw_funpot.votes
                        where event_id = events.id and votes.created_at < updated_at - interval '6 seconds'
                    )
                """,
            ),
            Mutation(
                name="an event that stayed open counts votes that nobody cast",
                sql=update_one(
                    "events",
                    "state = 'live',"
                    " totals_json = (select jsonb_object_agg(key, value::int + 9000) from jsonb_each(totals_json))",
                    "state = 'closed'",
                ),
            ),
            Mutation(
                name="a vote of a closed event is gone",
                sql="delete from raw_funpot.votes where id ="
                " (select id from raw_funpot.votes order by created_at limit 1)",
            ),
        ),
    ),
    # A source that never decides anything, such as a poll, keeps nobody waiting for a result.
    Rule(
        id="A-17",
        system="funpot",
        title="No event stays open for 5 minutes after its end, nor without a result for a day.",
        severity="warn",
        unit=None,
        tables=("events",),
        query=f"""
            with {NEWEST},

            decides as (
                select exists (select from raw_funpot.events where jsonb_typeof(result_json) = 'object') as results
            )

            select
                id::text as subject,
                null::numeric as amount,
                jsonb_build_object(
                    'state', state, 'closes_at', closes_at, 'changed_at', updated_at, 'delivered_until', delivered_until
                ) as evidence,
                closes_at as happened_at
            from raw_funpot.events
            cross join newest
            cross join decides
            where (state = 'live' and closes_at < delivered_until - interval '5 minutes')
                or (
                    state = 'closed'
                    and coalesce(jsonb_typeof(result_json), 'null') = 'null'
                    and results
                    and closes_at < delivered_until - interval '24 hours'
                )
        """,
        mutations=(
            Mutation(
                name="an event was never closed",
                sql=update_one("events", "state = 'live', result_json = null", "state = 'closed'"),
            ),
            Mutation(
                name="an event was never decided",
                sql=update_one(
                    "events",
                    "result_json = null",
                    "closes_at < (select max(closes_at) from raw_funpot.events) - '2 days'::interval",
                ),
            ),
        ),
    ),
    # Nothing dates a pause but the day of the delivery that told of it: whatever was cast since then came too late. A
    # ban is dated by the streamer's last change at the latest. A draft never took a vote.
    Rule(
        id="A-19",
        system="funpot",
        title="Nobody votes in a game that is a draft or paused, for a banned streamer or in the second after the end.",
        severity="warn",
        unit="INT",
        tables=("votes", "events", "games", "streamers"),
        needs_all=False,
        scope=STAKED_ON,
        query="""
            with doubtful as (
                select
                    events.id as event_id,
                    events.closes_at,
                    games.status as game_status,
                    streamers.status as streamer_status,
                    case games.status
                        when 'draft' then '-infinity'::timestamptz
                        when 'paused' then loads.delivered_on::timestamp at time zone 'UTC'
                    end as paused_at,
                    case when streamers.status = 'banned' then streamers.updated_at end as banned_at
                from raw_funpot.events
                left join raw_funpot.games on events.game_id = games.id
                left join ingest.loads on games._load_id = loads.load_id
                left join raw_funpot.streamers on events.streamer_id = streamers.id
            )

            select
                event_id::text as subject,
                sum(cost_int)::numeric as amount,
                jsonb_build_object(
                    'votes', count(*), 'game', min(game_status), 'streamer', min(streamer_status),
                    'paused_at', min(paused_at), 'banned_at', min(banned_at), 'closes_at', min(closes_at),
                    'first_cast_at', min(created_at), 'last_cast_at', max(created_at)
                ) as evidence,
                min(created_at) as happened_at
            from raw_funpot.votes
            inner join doubtful using (event_id)
            where in_scope(votes.event_id)
                and (
                    created_at >= paused_at
                    or created_at >= banned_at
                    or (created_at >= closes_at and created_at < closes_at + interval '1 second')
                )
            group by event_id
        """,
        mutations=(
            Mutation(
                name="a game with votes is still a draft",
                sql=update_one("games", "status = 'draft'", "id in (select game_id from raw_funpot.events)"),
            ),
            Mutation(
                name="a game goes on after it was paused",
                sql=update_one("games", "status = 'paused'", "id in (select game_id from raw_funpot.events)"),
            ),
            Mutation(
                name="a streamer goes on after the ban",
                sql=update_one(
                    "streamers",
                    "status = 'banned', updated_at = created_at",
                    "id in (select streamer_id from raw_funpot.events)",
                ),
            ),
            Mutation(
                name="a vote is cast at the very end",
                sql="""
                    update raw_funpot.votes set created_at = closes_at
                    from raw_funpot.events
                    where votes.event_id = events.id
                        and votes.id = (select id from raw_funpot.votes order by created_at limit 1)
                """,
            ),
        ),
    ),
    # Only what a prompt or a clip led to was proposed with a confidence; people make events too.
    Rule(
        id="A-20",
        system="funpot",
        title="An event is proposed with a confidence between 0 and 1, from a clip that began before it.",
        severity="warn",
        unit=None,
        tables=("events", "media_clips"),
        needs_all=False,
        query="""
            select
                events.id::text as subject,
                null::numeric as amount,
                jsonb_build_object(
                    'confidence', confidence, 'source_clip_id', source_clip_id,
                    'prompt_versions', prompt_versions_json,
                    'clip_started_at', media_clips.started_at, 'created_at', events.created_at
                ) as evidence,
                events.created_at as happened_at
            from raw_funpot.events
            left join raw_funpot.media_clips on events.source_clip_id = media_clips.id
            where confidence not between 0 and 1
                or (
                    confidence is null
                    and (source_clip_id is not null or coalesce(prompt_versions_json, '{}') not in ('{}', 'null'))
                )
                or media_clips.started_at > events.created_at
        """,
        mutations=(
            Mutation(name="a proposal is more than certain", sql=update_one("events", "confidence = 1.01")),
            Mutation(
                name="a proposal from a clip says nothing of its confidence",
                sql=update_one(
                    "events", "confidence = null, prompt_versions_json = null", "source_clip_id is not null"
                ),
            ),
            Mutation(
                name="a proposal by prompts alone says nothing of its confidence",
                sql=update_one("events", "confidence = null", "source_clip_id is null"),
            ),
            Mutation(
                name="a clip began after the event it led to",
                sql="""
                    update raw_funpot.media_clips set started_at = events.created_at + interval '1 second'
                    from raw_funpot.events
                    where source_clip_id = media_clips.id
                        and events.id = (
                            select id from raw_funpot.events where source_clip_id is not null order by id limit 1
                        )
                """,
            ),
        ),
    ),
)
