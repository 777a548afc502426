"""What must hold of the levels, gold and achievements of Synapse's members: D-11 to D-13 and D-17."""

from expectations.rule import Mutation, Rule
from expectations.rules.synapse import AWARDS, MEMBERS, REWARDS, update_one

GOLD_PER_LEVEL = 50


def threshold(level: str) -> str:
    """XP in all that ends a level: floor(100 · 1.25^level). From level 100 on it is more than anybody can have."""
    return f"floor(100 * power(1.25, greatest(least({level}, 100), 0)))"


# A member's totals over all seasons, and none included.
_MEMBERS = """
    given as (
        select
            user_id,
            sum(level_ups) as level_ups,
            sum(xp_taken) as xp_taken,
            sum(favours) as favours,
            max(last_step_at) as last_step_at,
            max(last_level_up_at) as last_level_up_at
        from synapse_rewards_by_member_and_season
        where in_scope(synapse_rewards_by_member_and_season.user_id)
        group by user_id
    ),
    users as (
        select * from raw_synapse.users where in_scope(users.id)
    )
"""

RULES = (
    # A level never falls, so XP that a hand took away counts as reached.
    Rule(
        id="D-11",
        system="synapse",
        title="A member's level is one more than their level-ups, which go up step by step, and their XP reached it.",
        severity="error",
        unit=None,
        tables=("users", "activity_log"),
        query=rf"""
            with level_ups as (
                select
                    id, user_id, timestamp,
                    case when metadata ->> 'old_level' ~ '^[0-9]{{1,9}}$' then (metadata ->> 'old_level')::integer end
                        as old_level,
                    case when metadata ->> 'new_level' ~ '^[0-9]{{1,9}}$' then (metadata ->> 'new_level')::integer end
                        as new_level
                from raw_synapse.activity_log
                where event_type = 'LEVEL_UP' and in_scope(activity_log.user_id)
            ),
            in_order as (
                select *, lag(new_level) over (partition by user_id order by timestamp, id) as level_before
                from level_ups
            ),
            climbed as (
                select
                    user_id,
                    count(*) as level_ups,
                    count(*) filter (where (new_level = old_level + 1) is not true) as uneven_steps,
                    count(*) filter (where new_level <= level_before) as steps_back,
                    max(timestamp) as last_level_up_at
                from in_order
                group by user_id
            ),
            {_MEMBERS},
            judged as (
                select
                    coalesce(users.id, climbed.user_id) as user_id,
                    coalesce(users.level, 1) as level,
                    users.xp,
                    coalesce(given.xp_taken, 0) as xp_taken,
                    coalesce(climbed.level_ups, 0) as level_ups,
                    coalesce(climbed.uneven_steps, 0) as uneven_steps,
                    coalesce(climbed.steps_back, 0) as steps_back,
                    coalesce(climbed.last_level_up_at, users.updated_at) as happened_at
                from users
                full join climbed on climbed.user_id = users.id
                left join given on given.user_id = users.id
            )
            select user_id::text as subject, null::numeric as amount,
                to_jsonb(judged) - '{{user_id, happened_at}}'::text[] as evidence,
                judged.happened_at as happened_at
            from judged
            where level <> 1 + level_ups
            or uneven_steps + steps_back > 0
            or (level > 1 and xp + xp_taken < {threshold("level::bigint - 1")})
        """,  # noqa: S608 - no outside input
        mutations=(
            Mutation("a member is a level too high", update_one("users", "level = level + 1", "level > 3")),
            Mutation(
                "a member skips a level",
                update_one(
                    "activity_log",
                    """metadata = metadata || '{"new_level": 90}'""",
                    "event_type = 'LEVEL_UP'",
                ),
            ),
            Mutation(
                "a member reaches the same level twice",
                """
                    update raw_synapse.activity_log set metadata = before.metadata
                    from raw_synapse.activity_log as before
                    where activity_log.event_type = 'LEVEL_UP' and before.event_type = 'LEVEL_UP'
                    and before.user_id = activity_log.user_id
                    and before.metadata ->> 'new_level' = activity_log.metadata ->> 'old_level'
                    and activity_log.id = (
                        select max(id) from raw_synapse.activity_log
                        where event_type = 'LEVEL_UP' and metadata ->> 'new_level' > '2'
                    )
                """,
            ),
            Mutation(
                "a level-up does not say of which level",
                update_one("activity_log", "metadata = null", "event_type = 'LEVEL_UP'"),
            ),
            Mutation("a member has the level without the XP", update_one("users", "xp = 124", "level > 1")),
        ),
        reads=(REWARDS,),
        scope=MEMBERS,
    ),
    # An award raises no level, whatever it is worth, and each entry after it makes up one step. So a level may lag by
    # any number; only the last entry that gave XP must not have left a step undone that it saw. That no level is ahead
    # is D-11's.
    Rule(
        id="D-12",
        system="synapse",
        title="A member's level lags behind their XP by no more than what awards gave since the last step.",
        severity="warn",
        unit=None,
        tables=("users", "activity_log"),
        query=f"""
            with {_MEMBERS},
            awarded as (
                select activity_log.user_id, sum(activity_log.xp_delta) as xp
                from raw_synapse.activity_log
                inner join given on given.user_id = activity_log.user_id
                where activity_log.event_type in {AWARDS}
                and activity_log.timestamp >= given.last_step_at
                and in_scope(activity_log.user_id)
                group by activity_log.user_id
            )
            select users.id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'level', users.level, 'xp', users.xp, 'awarded_since', coalesce(awarded.xp, 0),
                    'level_ends_at', {threshold("coalesce(users.level, 1)")},
                    'last_level_up_at', given.last_level_up_at
                ) as evidence,
                given.last_step_at as happened_at
            from users
            inner join given on given.user_id = users.id
            left join awarded on awarded.user_id = users.id
            where given.last_step_at is not null
            and users.xp - coalesce(awarded.xp, 0) >= {threshold("coalesce(users.level, 1)")}
            and (given.last_level_up_at is null or given.last_level_up_at < given.last_step_at)
        """,  # noqa: S608
        mutations=(
            Mutation(
                "the last step of a member who went on was never made",
                """
                    with undone as (
                        delete from raw_synapse.activity_log
                        where id = (
                            select max(activity_log.id)
                            from raw_synapse.activity_log
                            where event_type = 'LEVEL_UP' and exists (
                                select from raw_synapse.activity_log as later
                                where later.user_id = activity_log.user_id and later.xp_delta > 0
                                and later.event_type = 'MESSAGE' and later.timestamp > activity_log.timestamp
                            )
                        )
                        returning user_id
                    )
                    update raw_synapse.users set level = level - 1, gold = greatest(gold - 50, 0)
                    from undone
                    where users.id = undone.user_id
                """,
            ),
        ),
        reads=(REWARDS,),
        scope=MEMBERS,
    ),
    # Gold spent is in no journal, so only a limit can be judged; nor is the gold of awards by hand and of quests, so
    # whoever got one of these has no limit.
    Rule(
        id="D-13",
        system="synapse",
        title="No member owes gold, or has more than level-ups and achievements gave.",
        severity="warn",
        unit="gold",
        tables=("users", "activity_log", "user_achievements", "achievement_templates"),
        query=f"""
            with {_MEMBERS},
            achieved as (
                select user_achievements.user_id, sum(achievement_templates.gold_reward) as gold
                from raw_synapse.user_achievements
                inner join raw_synapse.achievement_templates
                    on achievement_templates.id = user_achievements.achievement_id
                where in_scope(user_achievements.user_id)
                group by user_achievements.user_id
            ),
            judged as (
                select
                    users.id,
                    users.gold::bigint as gold,
                    users.updated_at,
                    coalesce(given.favours, 0) as favours,
                    coalesce(given.level_ups, 0) * {GOLD_PER_LEVEL} as for_levels,
                    coalesce(achieved.gold, 0) as for_achievements
                from users
                left join given on given.user_id = users.id
                left join achieved on achieved.user_id = users.id
            )
            select id::text as subject,
                case when gold < 0 then -gold else gold - for_levels - for_achievements end::numeric as amount,
                jsonb_build_object(
                    'gold', gold, 'for_levels', for_levels, 'for_achievements', for_achievements
                ) as evidence,
                updated_at as happened_at
            from judged
            where gold < 0 or (gold > for_levels + for_achievements and favours = 0)
        """,  # noqa: S608
        mutations=(
            Mutation("a member owes gold", update_one("users", "gold = -1", "true")),
            Mutation(
                "a member who only earned has a coin too many",
                """
                    update raw_synapse.users set gold = gold + 1000000
                    where id = (
                        select max(user_id) from raw_synapse.activity_log as entries
                        where event_type = 'LEVEL_UP' and not exists (
                            select from raw_synapse.activity_log as favours
                            where favours.user_id = entries.user_id
                            and favours.event_type in ('MANUAL_AWARD', 'QUEST_COMPLETE')
                        )
                    )
                """,
            ),
        ),
        reads=(REWARDS,),
        scope=MEMBERS,
    ),
    Rule(
        id="D-17",
        system="synapse",
        title="Every achievement of a member is in the activity log once, and the log names no other.",
        severity="error",
        unit=None,
        tables=("user_achievements", "activity_log"),
        query="""
            with announced as (
                select
                    user_id,
                    coalesce(metadata ->> 'achievement_id', 'unnamed') as achievement_id,
                    count(*) as entries,
                    max(timestamp) as last_at
                from raw_synapse.activity_log
                where event_type = 'ACHIEVEMENT_EARNED' and in_scope(activity_log.user_id)
                group by 1, 2
            ),
            earned as (
                select * from raw_synapse.user_achievements where in_scope(user_achievements.user_id)
            )
            select
                coalesce(earned.user_id, announced.user_id)
                || ':' || coalesce(earned.achievement_id::text, announced.achievement_id) as subject,
                null::numeric as amount,
                jsonb_build_object(
                    'earned_at', earned.earned_at, 'entries', coalesce(announced.entries, 0)
                ) as evidence,
                coalesce(announced.last_at, earned.earned_at) as happened_at
            from earned
            full join announced
                on announced.user_id = earned.user_id and announced.achievement_id = earned.achievement_id::text
            where earned.user_id is null or coalesce(announced.entries, 0) <> 1
        """,
        mutations=(
            Mutation(
                "an achievement is in the log under another id",
                update_one(
                    "activity_log",
                    """metadata = metadata || '{"achievement_id": 9999}'""",
                    "event_type = 'ACHIEVEMENT_EARNED'",
                ),
            ),
            Mutation(
                "an achievement is in the log twice",
                """
                    insert into raw_synapse.activity_log
                        (id, user_id, event_type, xp_delta, star_delta, metadata, timestamp, _load_id)
                    select (select max(id) + 1 from raw_synapse.activity_log), user_id, event_type, 0, 0, metadata,
                        timestamp, _load_id
                    from raw_synapse.activity_log where event_type = 'ACHIEVEMENT_EARNED' order by id limit 1
                """,
            ),
            Mutation(
                "an achievement that the log names is gone",
                "delete from raw_synapse.user_achievements where (user_id, achievement_id)"
                " = (select user_id, achievement_id from raw_synapse.user_achievements order by 1, 2 limit 1)",
            ),
        ),
        scope=MEMBERS,
    ),
)
