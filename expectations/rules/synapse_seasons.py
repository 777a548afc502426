"""What must hold of Synapse's seasons and of the trail that rolling them leaves: D-10 and D-21."""

from expectations.rule import Mutation, Rule
from expectations.rules.synapse import update_one

RULES = (
    # A season is rolled by hand, so its dates and whether it is active may disagree; the seasons of a guild may not.
    Rule(
        id="D-10",
        system="synapse",
        title="A guild has one active season at most, and its seasons have names and times of their own.",
        severity="error",
        unit=None,
        tables=("seasons",),
        query="""
            with beside as (
                select
                    *,
                    count(*) filter (where active) over guild as active_seasons,
                    count(*) over (partition by guild_id, name) as same_named,
                    max(ends_at) filter (where ends_at > starts_at) over (
                        guild order by starts_at, id rows between unbounded preceding and 1 preceding
                    ) as taken_until
                from raw_synapse.seasons
                window guild as (partition by guild_id)
            )
            select 'season ' || id as subject, null::numeric as amount,
                jsonb_build_object(
                    'guild_id', guild_id::text, 'name', name, 'starts_at', starts_at, 'ends_at', ends_at,
                    'active', active, 'active_seasons', active_seasons, 'same_named', same_named,
                    'taken_until', taken_until
                ) as evidence,
                starts_at as happened_at
            from beside
            where (active and active_seasons > 1)
            or (name is not null and same_named > 1)
            or (taken_until > starts_at and ends_at > starts_at)
            or ends_at < starts_at
        """,
        mutations=(
            Mutation("a season that ended is active again", update_one("seasons", "active = true", "not active")),
            Mutation(
                "a season ends after the next began",
                update_one("seasons", "ends_at = ends_at + interval '1 day'", "not active"),
            ),
            Mutation(
                "two seasons of a guild have one name",
                update_one(
                    "seasons",
                    "name = (select name from raw_synapse.seasons as next"
                    " where next.guild_id = seasons.guild_id and next.id <> seasons.id)",
                    "not active",
                ),
            ),
        ),
    ),
    Rule(
        id="D-21",
        system="synapse",
        title="A roll of a season names one that it made inactive, and no later entry revived.",
        severity="error",
        unit=None,
        tables=("admin_log", "seasons"),
        query="""
            with trail as (
                select *, lead(id) over (partition by target_table, target_id order by timestamp, id) as next_id
                from raw_synapse.admin_log
                where target_table = 'seasons' or action_type = 'SEASON_ROLL'
            )
            select 'admin_log ' || trail.id as subject, null::numeric as amount,
                jsonb_build_object(
                    'target_table', trail.target_table, 'target_id', trail.target_id,
                    'before', trail.before_snapshot -> 'active', 'after', trail.after_snapshot -> 'active',
                    'active', seasons.active
                ) as evidence,
                trail.timestamp as happened_at
            from trail
            left join raw_synapse.seasons on trail.target_table = 'seasons' and seasons.id::text = trail.target_id
            where trail.action_type = 'SEASON_ROLL'
            and (
                seasons.id is null
                or lower(trail.before_snapshot ->> 'active') is distinct from 'true'
                or lower(trail.after_snapshot ->> 'active') is distinct from 'false'
                or (seasons.active and trail.next_id is null)
            )
        """,
        mutations=(
            Mutation(
                "a roll leaves the season active",
                update_one(
                    "admin_log",
                    """after_snapshot = after_snapshot || '{"active": true}'""",
                    "action_type = 'SEASON_ROLL'",
                ),
            ),
            Mutation(
                "a roll is of a season that was not active",
                update_one(
                    "admin_log",
                    """before_snapshot = before_snapshot || '{"active": false}'""",
                    "action_type = 'SEASON_ROLL'",
                ),
            ),
            Mutation(
                "a roll is of a season that nobody knows",
                update_one("admin_log", "target_id = '9999'", "action_type = 'SEASON_ROLL'"),
            ),
            Mutation(
                "the season that a roll ended is active",
                update_one("seasons", "active = true", "not active"),
            ),
        ),
    ),
)
