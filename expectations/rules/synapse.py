"""What must be true of Synapse: members' totals of XP and stars equal the journal of what they were given."""

from expectations.rule import Mutation, Rule

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
    select user_id, sum(xp_delta) as xp, count(*) as entries
    from raw_synapse.activity_log
    group by user_id
)
select
    coalesce(users.id, given.user_id)::text as subject,
    abs(coalesce(users.xp, 0) - coalesce(given.xp, 0))::numeric as amount,
    jsonb_build_object(
        'recorded', users.xp, 'journal', coalesce(given.xp, 0), 'entries', coalesce(given.entries, 0)
    ) as evidence
from raw_synapse.users
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
                sql="""
insert into raw_synapse.activity_log (id, user_id, event_type, xp_delta, star_delta, timestamp, _load_id)
select (select max(id) + 1 from raw_synapse.activity_log), user_id, 'MESSAGE', 1, 0, timestamp, _load_id
from raw_synapse.activity_log
order by id
limit 1
""",
            ),
        ),
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
    select user_id, season_id, sum(star_delta) as stars, count(*) as entries
    from raw_synapse.activity_log
    where season_id is not null
    group by user_id, season_id
)
select
    coalesce(user_stats.user_id, given.user_id) || ':' || coalesce(user_stats.season_id, given.season_id) as subject,
    abs(coalesce(user_stats.season_stars, 0) - coalesce(given.stars, 0))::numeric as amount,
    jsonb_build_object(
        'recorded', user_stats.season_stars, 'journal', coalesce(given.stars, 0), 'entries', coalesce(given.entries, 0)
    ) as evidence
from raw_synapse.user_stats
full join given on user_stats.user_id = given.user_id and user_stats.season_id = given.season_id
where coalesce(user_stats.season_stars, 0) <> coalesce(given.stars, 0)
""",
        mutations=(
            Mutation(
                name="one member's stars of a season are one too low",
                sql="""
update raw_synapse.user_stats set season_stars = season_stars - 1
where (user_id, season_id) = (select user_id, season_id from raw_synapse.user_stats order by 1, 2 limit 1)
""",
            ),
            Mutation(
                name="one statistics row of a member with stars is gone",
                sql="""
delete from raw_synapse.user_stats
where (user_id, season_id) = (
    select user_id, season_id from raw_synapse.user_stats where season_stars > 0 order by 1, 2 limit 1
)
""",
            ),
        ),
    ),
)
