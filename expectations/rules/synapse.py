"""What members of Synapse have been given: totals of XP, stars and actions equal the journal, D-02 to D-04.

How levels, gold and achievements follow from it is in `synapse_levels`, what single entries may give in
`synapse_rewards`; the event lake is in `synapse_lake` and `synapse_presence`, its counters in `synapse_counters` and
`synapse_retention`, and seasons in `synapse_seasons`.
"""

from expectations.rule import Mutation, Rule, Scope, Summary

VOICE_TICK_MINUTES = 10  # what a voice tick counts for where it does not say: the dbt var `s003_voice_tick_minutes`

MEMBERS = Scope(
    "synapse_members",
    {"users": "id", "activity_log": "user_id", "user_stats": "user_id", "user_achievements": "user_id"},
)

# The awards by which XP comes without a step of the level.
AWARDS = "('MANUAL_AWARD', 'ACHIEVEMENT_EARNED')"

# The one pass over the journal that all rules of members' totals share. XP of an award raises no level, so the last
# entry that could is noted apart; and what a hand took away, since no level falls with it.
REWARDS = Summary(
    "synapse_rewards_by_member_and_season",
    rf"""
        select
            user_id,
            season_id,
            count(*) as entries,
            sum(xp_delta) as xp,
            sum(star_delta) as stars,
            count(*) filter (where event_type = 'MESSAGE') as messages_sent,
            count(*) filter (where event_type = 'REACTION_GIVEN') as reactions_given,
            count(*) filter (where event_type = 'REACTION_RECEIVED') as reactions_received,
            count(*) filter (where event_type = 'THREAD_CREATE') as threads_created,
            sum(
                case
                    when metadata ->> 'tick_minutes' ~ '^[0-9]{{1,6}}$' then (metadata ->> 'tick_minutes')::integer
                    else {VOICE_TICK_MINUTES}
                end
            ) filter (where event_type = 'VOICE_TICK') as voice_minutes,
            count(*) filter (where event_type = 'LEVEL_UP') as level_ups,
            max(timestamp) filter (where event_type = 'LEVEL_UP') as last_level_up_at,
            max(timestamp) filter (where xp_delta > 0 and event_type not in {AWARDS}) as last_step_at,
            -sum(xp_delta) filter (where xp_delta < 0) as xp_taken,
            count(*) filter (where event_type in ('MANUAL_AWARD', 'QUEST_COMPLETE')) as favours,
            max(timestamp) as last_at
        from raw_synapse.activity_log
        where in_scope(activity_log.user_id)
        group by user_id, season_id
    """,  # noqa: S608 - no outside input
    MEMBERS,
)


def update_one(table: str, change: str, where: str, key: str = "id") -> str:
    """A mutation of one row: the first by key of a table that meets `where`."""
    first = f"select {key} from raw_synapse.{table} where {where} order by {key} limit 1"  # noqa: S608 - no outside input
    return f"update raw_synapse.{table} set {change} where ({key}) = ({first})"  # noqa: S608


def new_entries(event_type: str, moments: str, xp: int = 0, stars: int = 0, metadata: str = "{}") -> str:
    """A mutation that gives one member of old entries of the log at some moments, in no season."""
    return f"""
        insert into raw_synapse.activity_log
            (id, user_id, event_type, xp_delta, star_delta, metadata, timestamp, _load_id)
        select (select max(id) from raw_synapse.activity_log) + row_number() over (), user_id, '{event_type}',
            {xp}, {stars}, '{metadata}', moment, _load_id
        from (select * from raw_synapse.activity_log order by id limit 1) as entry
        cross join lateral ({moments}) as moments (moment)
    """  # noqa: S608


RULES: tuple[Rule, ...] = (
    Rule(
        id="D-02",
        system="synapse",
        title="Every member's XP equals the sum of what the activity log gave them.",
        severity="critical",
        unit="XP",
        tables=("users", "activity_log"),
        # The full join also finds XP given to somebody whom the users table does not know.
        query="""
            with given as (
                select user_id, sum(xp) as xp, sum(entries) as entries, max(last_at) as last_at
                from synapse_rewards_by_member_and_season
                where in_scope(synapse_rewards_by_member_and_season.user_id)
                group by user_id
            ),
            users as (
                select * from raw_synapse.users where in_scope(users.id)
            )
            select
                coalesce(users.id, given.user_id)::text as subject,
                abs(coalesce(users.xp, 0) - coalesce(given.xp, 0))::numeric as amount,
                jsonb_build_object(
                    'recorded', users.xp, 'journal', coalesce(given.xp, 0), 'entries', coalesce(given.entries, 0)
                ) as evidence,
                coalesce(given.last_at, users.updated_at) as happened_at
            from users
            full join given on users.id = given.user_id
            where coalesce(users.xp, 0) <> coalesce(given.xp, 0)
        """,
        mutations=(
            Mutation(
                name="one member's XP is one point too high",
                sql="update raw_synapse.users set xp = xp + 1 where id = (select max(id) from raw_synapse.users)",
            ),
            Mutation(
                name="the journal gave one more point than the member got",
                sql=new_entries("MESSAGE", "values (entry.timestamp)", xp=1),
            ),
        ),
        reads=(REWARDS,),
        scope=MEMBERS,
    ),
    Rule(
        id="D-03",
        system="synapse",
        title="Every member's stars of a season equal the sum of what the activity log gave them in it.",
        severity="critical",
        unit="stars",
        tables=("user_stats", "activity_log"),
        query="""
            with given as (
                select * from synapse_rewards_by_member_and_season
                where season_id is not null and in_scope(synapse_rewards_by_member_and_season.user_id)
            ),
            user_stats as (
                select * from raw_synapse.user_stats where in_scope(user_stats.user_id)
            )
            select
                coalesce(user_stats.user_id, given.user_id)
                || ':' || coalesce(user_stats.season_id, given.season_id) as subject,
                abs(coalesce(user_stats.season_stars, 0) - coalesce(given.stars, 0))::numeric as amount,
                jsonb_build_object(
                    'recorded', user_stats.season_stars, 'journal', coalesce(given.stars, 0),
                    'entries', coalesce(given.entries, 0)
                ) as evidence,
                given.last_at as happened_at
            from user_stats
            full join given on user_stats.user_id = given.user_id and user_stats.season_id = given.season_id
            where coalesce(user_stats.season_stars, 0) <> coalesce(given.stars, 0)
        """,
        mutations=(
            Mutation(
                name="one member's stars of a season are one too low",
                sql=update_one("user_stats", "season_stars = season_stars - 1", "true", key="user_id, season_id"),
            ),
            Mutation(
                name="one statistics row of a member with stars is gone",
                sql="""
                    delete from raw_synapse.user_stats
                    where (user_id, season_id) = (
                        select user_id, season_id from raw_synapse.user_stats
                        where season_stars > 0 order by 1, 2 limit 1
                    )
                """,
            ),
        ),
        reads=(REWARDS,),
        scope=MEMBERS,
    ),
    # Every rewarded entry counts, one that gave nothing too; what was rewarded in no season counts nowhere.
    Rule(
        id="D-04",
        system="synapse",
        title="Every member's counts of a season equal the entries of the activity log in it, and ticks add up.",
        severity="error",
        unit=None,
        tables=("user_stats", "activity_log"),
        query="""
            with given as (
                select * from synapse_rewards_by_member_and_season
                where season_id is not null and in_scope(synapse_rewards_by_member_and_season.user_id)
            ),
            user_stats as (
                select * from raw_synapse.user_stats where in_scope(user_stats.user_id)
            ),
            counters as (
                select
                    coalesce(user_stats.user_id, given.user_id) as user_id,
                    coalesce(user_stats.season_id, given.season_id) as season_id,
                    counter.name,
                    coalesce(counter.recorded, 0) as recorded,
                    coalesce(counter.recounted, 0) as recounted,
                    given.last_at
                from user_stats
                full join given on user_stats.user_id = given.user_id and user_stats.season_id = given.season_id
                cross join lateral (values
                    ('messages_sent', user_stats.messages_sent, given.messages_sent),
                    ('reactions_given', user_stats.reactions_given, given.reactions_given),
                    ('reactions_received', user_stats.reactions_received, given.reactions_received),
                    ('threads_created', user_stats.threads_created, given.threads_created),
                    ('voice_minutes', user_stats.voice_minutes, given.voice_minutes)
                ) as counter (name, recorded, recounted)
            )
            select user_id || ':' || season_id || ' ' || name as subject, null::numeric as amount,
                jsonb_build_object('recorded', recorded, 'journal', recounted) as evidence,
                last_at as happened_at
            from counters
            where recorded <> recounted
        """,
        mutations=(
            Mutation(
                "a message too many is counted",
                update_one("user_stats", "messages_sent = messages_sent + 1", "true", key="user_id, season_id"),
            ),
            Mutation(
                "a reaction is counted as received instead of given",
                update_one(
                    "user_stats",
                    "reactions_given = reactions_given - 1, reactions_received = reactions_received + 1",
                    "reactions_given > 0",
                    key="user_id, season_id",
                ),
            ),
            Mutation(
                "a tick stood for a minute more than was counted",
                update_one(
                    "activity_log",
                    """metadata = metadata || '{"tick_minutes": 11}'""",
                    "event_type = 'VOICE_TICK' and season_id is not null",
                ),
            ),
        ),
        reads=(REWARDS,),
        scope=MEMBERS,
    ),
)
