"""What Synapse does by nature and a naive rule would flag: no rule breaks on it."""

from pathlib import Path

import psycopg
import pytest
import yaml

from expectations.catalogue import rules_of
from expectations.rules import synapse, synapse_counters, synapse_lake, synapse_rewards
from tests.expectations.asking import breaks

RULES = rules_of("synapse")
DBT = Path(__file__).parents[2] / "dbt"

# The entry that a member who is far from the next level would get next.
_MEMBER = """
    select entry.*
    from raw_synapse.users
    inner join lateral (
        select * from raw_synapse.activity_log where user_id = users.id order by timestamp desc, id desc limit 1
    ) as entry on true
    where level between 9 and 11 and xp < floor(100 * power(1.25, level)) - 100
    order by users.id limit 1
"""


def entries(event_type: str, xp: int = 0, stars: int = 0, metadata: str = "{}", times: int = 1) -> str:
    """SQL that gives a member entries of one instant, in no season, and the XP of them."""
    return f"""
        with member as ({_MEMBER}),
        entries as (
            insert into raw_synapse.activity_log
                (id, user_id, event_type, xp_delta, star_delta, metadata, timestamp, _load_id)
            select (select max(id) from raw_synapse.activity_log) + number, user_id, '{event_type}', {xp}, {stars},
                '{metadata}', timestamp + interval '1 second', _load_id
            from member
            cross join generate_series(1, {times}) as number
        )
        update raw_synapse.users set xp = xp + {xp * times} from member where users.id = member.user_id
    """


ODDITIES = {
    "a lifetime counter falls to what the retention left": """
        with retained as (
            select user_id, event_type, count(*) filter (
                where timestamp >= (select max(timestamp) - interval '90 days' from raw_synapse.event_lake)
            ) as events
            from raw_synapse.event_lake group by 1, 2
        )
        update raw_synapse.event_counters set count = retained.events
        from retained
        where period = 'lifetime' and (event_counters.user_id, event_counters.event_type)
        = (retained.user_id, retained.event_type)
    """,
    "a backfill raised a lifetime above the lake": """
        update raw_synapse.event_counters set count = count + 500
        where period = 'lifetime' and event_type = 'message_create'
    """,
    "the season's counter of an old member was never shortened": """
        update raw_synapse.event_counters set count = count + 300
        where period = 'season' and user_id = (select min(user_id) from raw_synapse.event_counters)
    """,
    "the source has deleted the counters of purged days": """
        delete from raw_synapse.event_counters
        where period like 'day:%' and substr(period, 5)
        < (select (max(timestamp) - interval '90 days')::date from raw_synapse.event_lake)::text
    """,
    "the first day of the lake was half purged before the first delivery": """
        delete from raw_synapse.event_lake
        where timestamp < (select min(timestamp) + interval '6 hours' from raw_synapse.event_lake)
    """,
    "rows of the last two days are late, and their counters are not": """
        delete from raw_synapse.event_lake
        where id % 5 = 0
        and timestamp >= (select date_trunc('day', max(timestamp)) - interval '1 day' from raw_synapse.event_lake)
    """,
    "voice ticks without a key share a second": entries("VOICE_TICK", xp=10, stars=1, times=3),
    "an award makes the level lag by many": entries("MANUAL_AWARD", xp=50_000),
    "an award to a member who never wrote makes the level lag": """
        with member as (
            select users.id, users._load_id from raw_synapse.users
            where not exists (select from raw_synapse.activity_log where user_id = users.id) order by id limit 1
        ),
        entry as (
            insert into raw_synapse.activity_log (id, user_id, event_type, xp_delta, star_delta, timestamp, _load_id)
            select (select max(id) + 1 from raw_synapse.activity_log), id, 'MANUAL_AWARD', 900, 0,
                (select max(timestamp) from raw_synapse.activity_log), _load_id
            from member
        )
        update raw_synapse.users set xp = 900 from member where users.id = member.id
    """,
    "an award takes XP below the level, which stays": entries("MANUAL_AWARD", xp=-250, stars=-3),
    "an entry of a type to come is logged": entries("PODIUM", xp=7, stars=3),
    "a quest gives gold that no journal shows": """
        update raw_synapse.users set gold = gold + 400
        where id = (select max(user_id) from raw_synapse.activity_log where event_type = 'QUEST_COMPLETE')
    """,
    "a member spent all gold": "update raw_synapse.users set gold = 0",
    "an author gets ten stars and more from many reactors": """
        update raw_synapse.activity_log
        set star_delta = 15, metadata = metadata || '{"unique_reactor_count": 21}'
        where event_type = 'REACTION_RECEIVED' and season_id is null
    """,
    "level-ups give their levels as texts": """
        update raw_synapse.activity_log
        set metadata = jsonb_build_object('old_level', metadata ->> 'old_level', 'new_level', metadata ->> 'new_level')
        where event_type = 'LEVEL_UP'
    """,
    "a tick that does not say its length is worth ten minutes": """
        update raw_synapse.activity_log set metadata = metadata - 'tick_minutes' where event_type = 'VOICE_TICK'
    """,
    "the bot restarted during a stay: no join, and no length": """
        with leaves as (
            update raw_synapse.event_lake set payload = payload || '{"duration_seconds": 0}'
            where event_type = 'voice_leave' and id % 9 = 0
            returning source_id
        )
        update raw_synapse.event_lake set source_id = 'before the restart ' || event_lake.source_id
        from leaves
        where event_lake.source_id = replace(leaves.source_id, '-leave', '-join')
    """,
    "joins were not captured for a day": """
        with switched as (
            insert into raw_synapse.admin_log
                (id, actor_id, action_type, target_table, target_id, before_snapshot, after_snapshot, timestamp,
                _load_id)
            select (select max(id) from raw_synapse.admin_log) + number, actor_id, 'UPDATE', 'settings',
                'event_lake.source.voice_join.enabled',
                jsonb_build_object('value_json', before), jsonb_build_object('value_json', after),
                '2026-06-10 10:00+00'::timestamptz + (number - 1) * interval '1 day', _load_id
            from (select * from raw_synapse.admin_log limit 1) as entry
            cross join (values (1, 'true', 'false'), (2, 'false', 'true')) as switches (number, before, after)
        )
        update raw_synapse.event_lake set source_id = 'lost ' || source_id
        where event_type = 'voice_join' and timestamp between '2026-06-10 10:00+00' and '2026-06-11 10:00+00'
    """,
    "messages were not captured for a day, and nobody noted it": """
        with gone as (
            delete from raw_synapse.event_lake
            where event_type = 'message_create' and (timestamp at time zone 'UTC')::date = '2026-06-10'
            returning user_id
        ),
        days as (
            delete from raw_synapse.event_counters where event_type = 'message_create' and period = 'day:2026-06-10'
        ),
        counted as (
            select user_id, count(*) as events from gone group by user_id
        )
        update raw_synapse.event_counters set count = count - events
        from counted
        where event_counters.user_id = counted.user_id and event_type = 'message_create'
        and period in ('lifetime', 'season')
    """,
    "lake and log date a message of midnight to different days": """
        update raw_synapse.activity_log set timestamp = date_trunc('day', timestamp) + interval '1 day'
        where id = (select min(id) from raw_synapse.activity_log where event_type = 'MESSAGE')
    """,
    "payloads come in the spelling of the documentation": """
        update raw_synapse.event_lake
        set payload = (payload - '{emoji_name, is_afk}'::text[])
            || '{"emoji": "x", "was_afk": false, "channel_name": "general", "word_count": 3}'
        where id % 3 = 0
    """,
    "a payload is missing": "update raw_synapse.event_lake set payload = null where event_type = 'member_leave'",
    "no season is active, whatever the dates say": "update raw_synapse.seasons set active = false",
    "seasons of two guilds have one name and one time": """
        update raw_synapse.seasons set name = 'Spring', starts_at = starts.at
        from (select min(starts_at) as at from raw_synapse.seasons where not active) as starts
        where guild_id <> (select guild_id from raw_synapse.seasons where not active)
    """,
}


@pytest.mark.parametrize("oddity", ODDITIES.values(), ids=ODDITIES)
def test_no_rule_breaks_on_what_is_natural(sample: psycopg.Connection, oddity: str) -> None:
    assert sample.execute(oddity.encode()).rowcount, "the oddity found nothing to change in the sample"
    assert breaks(sample, RULES) == {}


def test_rules_and_models_read_open_questions_alike() -> None:
    settings = yaml.safe_load((DBT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    seed = (DBT / "seeds" / "synapse_base_rewards.csv").read_text(encoding="utf-8").splitlines()
    of_ruleset = (line.split(",") for line in seed if line.startswith(settings["s003_ruleset"]))

    assert settings["s003_retention_days"] == synapse_counters.RETENTION_DAYS
    assert settings["s003_lookback_days"] == synapse_counters.LATE_DAYS
    assert settings["s003_voice_tick_minutes"] == synapse.VOICE_TICK_MINUTES
    assert settings["s003_payload_keys"] == synapse_lake.PAYLOAD_KEYS.split(", ")
    assert {kind: (int(xp), int(stars)) for _, kind, xp, stars in of_ruleset} == synapse_rewards.BASE_REWARDS
