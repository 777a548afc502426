"""What a single entry of Synapse's activity log may give, and where it belongs: D-14 and D-22."""

from expectations.rule import Mutation, Rule, Scope
from expectations.rules.synapse import update_one

ENTRIES = Scope("synapse_entries", {"activity_log": "id"})

# Base XP and stars of the ruleset `documented`, as in dbt's seeds/synapse_base_rewards.csv; the other gives no more.
BASE_REWARDS = {
    "MESSAGE": (15, 1),
    "REACTION_GIVEN": (5, 1),
    "REACTION_RECEIVED": (8, 2),
    "THREAD_CREATE": (20, 2),
    "VOICE_TICK": (10, 1),
    "QUEST_COMPLETE": (50, 5),
    "LEVEL_UP": (0, 0),
    "VOICE_JOIN": (0, 0),
    "VOICE_LEAVE": (0, 0),
}
_BASE = ", ".join(f"('{event_type}', {xp}, {stars})" for event_type, (xp, stars) in BASE_REWARDS.items())

RULES = (
    # Only a message has a quality: long, with code, a link and an attachment it is worth 1.5 · 1.4 · 1.25 · 1.1. With
    # more than ten members reacting, the author is given ten stars and one for every second of the others. Weights are
    # known as they are today, if they were delivered; of two the one that allows more is taken. Neither an achievement
    # nor an award has a limit.
    Rule(
        id="D-14",
        system="synapse",
        title="Only a hand takes XP or stars away, and no entry gives more than its type, weight and quality allow.",
        severity="error",
        unit=None,
        tables=("activity_log", "category_multipliers"),
        query=rf"""
            with base (event_type, xp, stars) as (values {_BASE}),
            weights as (
                select
                    category_id,
                    interaction_type as event_type,
                    max(coalesce(xp_multiplier, 1))::numeric as xp,
                    max(coalesce(star_multiplier, 1))::numeric as stars
                from raw_synapse.category_multipliers
                group by 1, 2
            ),
            limited as (
                select
                    activity_log.*,
                    floor(
                        case activity_log.event_type
                            when 'MESSAGE' then base.xp * 1.5 * 1.4 * 1.25 * 1.1
                            when 'QUEST_COMPLETE'
                                then greatest(base.xp, (select max(xp_reward) from raw_synapse.quests))
                            else base.xp
                        end * coalesce(weights.xp, 1)
                    ) as most_xp,
                    floor(
                        case
                            when activity_log.event_type <> 'REACTION_RECEIVED' then base.stars
                            when metadata ->> 'unique_reactor_count' !~ '^[0-9]{{2,6}}$' then base.stars
                            when (metadata ->> 'unique_reactor_count')::integer > 10
                                then 10 + ((metadata ->> 'unique_reactor_count')::integer - 10) / 2
                            else base.stars
                        end * coalesce(weights.stars, 1)
                    ) as most_stars
                from raw_synapse.activity_log
                left join base on base.event_type = activity_log.event_type
                left join weights
                    on weights.category_id = activity_log.category_id and weights.event_type = activity_log.event_type
                where in_scope(activity_log.id)
            )
            select 'entry ' || id as subject, null::numeric as amount,
                jsonb_build_object(
                    'event_type', event_type, 'xp', xp_delta, 'most_xp', most_xp,
                    'stars', star_delta, 'most_stars', most_stars
                ) as evidence,
                timestamp as happened_at
            from limited
            where (event_type <> 'MANUAL_AWARD' and least(xp_delta, star_delta) < 0)
            or (
                (xp_delta > most_xp or star_delta > most_stars)
                and (category_id is null or exists (select from raw_synapse.category_multipliers))
            )
        """,  # noqa: S608 - no outside input
        mutations=(
            Mutation(
                "a message takes a star away",
                update_one("activity_log", "star_delta = -1", "event_type = 'MESSAGE' and season_id is null"),
            ),
            Mutation(
                "a thread gives a star too many",
                update_one("activity_log", "star_delta = 3", "event_type = 'THREAD_CREATE' and season_id is null"),
            ),
            Mutation(
                "a level-up gives a star",
                update_one("activity_log", "star_delta = 1", "event_type = 'LEVEL_UP' and season_id is null"),
            ),
            Mutation(
                "a message without a category gives a point more than the best can",
                update_one("activity_log", "xp_delta = 44", "event_type = 'MESSAGE' and category_id is null"),
            ),
        ),
        needs_all=False,
        scope=ENTRIES,
    ),
    # An entry has no guild of its own, but its season has one.
    Rule(
        id="D-22",
        system="synapse",
        title="The category of an entry belongs to the guild of its season.",
        severity="warn",
        unit=None,
        tables=("activity_log", "categories", "seasons"),
        query="""
            select 'entry ' || activity_log.id as subject, null::numeric as amount,
                jsonb_build_object(
                    'category_id', categories.id, 'guild_of_category', categories.guild_id::text,
                    'season_id', seasons.id, 'guild_of_season', seasons.guild_id::text
                ) as evidence,
                activity_log.timestamp as happened_at
            from raw_synapse.activity_log
            inner join raw_synapse.categories on categories.id = activity_log.category_id
            inner join raw_synapse.seasons on seasons.id = activity_log.season_id
            where categories.guild_id <> seasons.guild_id and in_scope(activity_log.id)
        """,
        mutations=(
            Mutation(
                "a message counts in a category of another guild",
                update_one(
                    "activity_log",
                    """
                        category_id = (
                            select categories.id from raw_synapse.categories, raw_synapse.seasons
                            where seasons.id = activity_log.season_id and categories.guild_id <> seasons.guild_id
                            limit 1
                        )
                    """,
                    "category_id is not null and season_id is not null",
                ),
            ),
        ),
        scope=ENTRIES,
    ),
)
