"""What must hold of what people post and like on StoryForge and of the counts of it: E-10, E-12, E-13, E-18."""

from expectations.repeated import repeated
from expectations.rule import Mutation, Rule, Scope
from expectations.rules.storyforge import update_one

# New categories, of which there are few, have every idea asked about.
IDEAS = Scope("storyforge_ideas", {"ideas": "id", "scenes": "idea_id"})

_LIKED_TWICE = repeated(
    "raw_storyforge.likes",
    "user_id, target_type, target_id",
    "'user ' || repeated.user_id || ' ' || repeated.target_type || ' ' || repeated.target_id",
    "created_at",
)

RULES = (
    # Which rows the source counts is our reading, so a counter may equal the count of all rows or of the
    # active ones, and the rule only warns. Views may be missing as a whole; those of ideas have no table,
    # so they only must not be negative. The source may never set `contributor_count`.
    Rule(
        id="E-10",
        system="storyforge",
        title="Every counter equals a recount of all rows or of the active ones, and none is negative.",
        severity="warn",
        unit=None,
        tables=("scenes", "ideas", "topics", "segments", "likes"),
        query="""
            with liked as (
                select target_type, target_id, count(*) as likes from raw_storyforge.likes group by 1, 2
            ),
            viewed as (
                select scene_id, count(*) as views from raw_storyforge.scene_views group by 1
            ),
            continued as (
                select
                    scene_id,
                    count(*) as segments,
                    count(*) filter (where status = 'active') as active_segments,
                    sum(duration) as seconds,
                    sum(duration) filter (where status = 'active') as active_seconds,
                    count(distinct user_id) as people,
                    count(distinct user_id) filter (where status = 'active') as active_people
                from raw_storyforge.segments
                group by 1
            ),
            opened as (
                select
                    coalesce(idea_id, topic_id) as parent_id,
                    count(*) as scenes,
                    count(*) filter (where status = 'active') as active_scenes
                from raw_storyforge.scenes
                group by grouping sets ((idea_id), (topic_id))
            ),
            counters as (
                select 'scene ' || scenes.id as owner, scenes.updated_at, counter.*
                from raw_storyforge.scenes
                left join liked on liked.target_type = 'scene' and liked.target_id = scenes.id
                left join viewed on viewed.scene_id = scenes.id
                left join continued on continued.scene_id = scenes.id
                cross join lateral (values
                    ('like_count', scenes.like_count, likes, likes),
                    ('view_count', scenes.view_count, views, views),
                    ('segment_count', segment_count, segments, active_segments),
                    ('total_duration', total_duration, seconds, active_seconds),
                    ('contributor_count', nullif(contributor_count, 0), people, active_people)
                ) as counter (name, value, of_all, of_active)
                union all
                select 'idea ' || ideas.id, ideas.updated_at, counter.*
                from raw_storyforge.ideas
                left join liked on liked.target_type = 'idea' and liked.target_id = ideas.id
                left join opened on opened.parent_id = ideas.id
                cross join lateral (values
                    ('like_count', ideas.like_count, likes, likes),
                    ('view_count', least(ideas.view_count, 0), 0, 0),
                    ('scene_count', ideas.scene_count, scenes, active_scenes)
                ) as counter (name, value, of_all, of_active)
                union all
                select
                    'topic ' || topics.id, topics.updated_at, 'scene_count', topics.scene_count, scenes, active_scenes
                from raw_storyforge.topics
                left join opened on opened.parent_id = topics.id
            )
            select owner || ' ' || name as subject, null::numeric as amount,
                jsonb_build_object('counter', value, 'of_all', of_all, 'of_active', of_active) as evidence,
                updated_at as happened_at
            from counters
            where value not in (coalesce(of_all, 0), coalesce(of_active, 0))
            and (name <> 'view_count' or value < 0 or exists (select from raw_storyforge.scene_views))
        """,
        mutations=(
            Mutation(
                "a scene counts a like too many",
                update_one("scenes", "like_count = like_count + 1", "true"),
            ),
            Mutation(
                "a scene misses a second of video",
                update_one("scenes", "total_duration = total_duration - 1", "segment_count > 0"),
            ),
            Mutation(
                "a scene counts a view too many",
                update_one("scenes", "view_count = view_count + 1", "true"),
            ),
            Mutation(
                "an idea counts a thousand scenes too many",
                update_one("ideas", "scene_count = scene_count + 1000", "true"),
            ),
            Mutation(
                "a topic counts a thousand scenes too many",
                update_one("topics", "scene_count = scene_count + 1000", "true"),
            ),
            Mutation("the views of an idea are negative", update_one("ideas", "view_count = -1", "true")),
        ),
    ),
    Rule(
        id="E-12",
        system="storyforge",
        title="A user likes an idea or scene once, and it exists.",
        severity="error",
        unit=None,
        tables=("likes", "ideas", "scenes"),
        query=f"""
            select 'like ' || likes.id as subject, null::numeric as amount,
                jsonb_build_object('target_type', likes.target_type, 'target_id', likes.target_id) as evidence,
                likes.created_at as happened_at
            from raw_storyforge.likes
            left join raw_storyforge.scenes on likes.target_type = 'scene' and scenes.id = likes.target_id
            left join raw_storyforge.ideas on likes.target_type = 'idea' and ideas.id = likes.target_id
            where coalesce(scenes.id, ideas.id) is null
            union all
            {_LIKED_TWICE}
        """,  # noqa: S608 - no outside input
        mutations=(
            Mutation(
                "a like is given twice",
                """
                insert into raw_storyforge.likes (id, user_id, target_type, target_id, created_at, _load_id)
                select gen_random_uuid(), user_id, target_type, target_id, created_at, _load_id
                from raw_storyforge.likes order by id limit 1
                """,
            ),
            Mutation(
                "a like is of a scene that nobody knows",
                update_one("likes", "target_id = gen_random_uuid()", "target_type = 'scene'"),
            ),
            Mutation("a like is of a user", update_one("likes", "target_type = 'user'", "true")),
        ),
    ),
    Rule(
        id="E-13",
        system="storyforge",
        title="A scene has the topic of its idea, and an idea a category of its topic.",
        severity="error",
        unit=None,
        tables=("scenes", "ideas", "categories"),
        query="""
            select 'scene ' || scenes.id as subject, null::numeric as amount,
                jsonb_build_object('topic_id', scenes.topic_id, 'idea_topic_id', ideas.topic_id) as evidence,
                scenes.created_at as happened_at
            from raw_storyforge.scenes
            inner join raw_storyforge.ideas on ideas.id = scenes.idea_id
            where scenes.topic_id <> ideas.topic_id and in_scope(scenes.idea_id)
            union all
            select 'idea ' || ideas.id, null,
                jsonb_build_object('topic_id', ideas.topic_id, 'category_topic_id', categories.topic_id),
                ideas.created_at
            from raw_storyforge.ideas
            inner join raw_storyforge.categories on categories.id = ideas.category_id
            where ideas.topic_id <> categories.topic_id and in_scope(ideas.id)
        """,
        mutations=(
            Mutation(
                "a scene is filed under another topic",
                update_one(
                    "scenes",
                    "topic_id = (select id from raw_storyforge.topics where id <> scenes.topic_id limit 1)",
                    "true",
                ),
            ),
            Mutation(
                "an idea has a category of another topic",
                update_one(
                    "ideas",
                    "category_id = (select id from raw_storyforge.categories where topic_id <> ideas.topic_id limit 1)",
                    "true",
                ),
            ),
        ),
        scope=IDEAS,
    ),
    # Whether exactly the users without a password have a linked account cannot be judged: both facts stay
    # outside the warehouse. That they do is what is judged.
    Rule(
        id="E-18",
        system="storyforge",
        title="No address, password hash or token of a user is in the warehouse.",
        severity="warn",
        unit=None,
        tables=("users",),
        query="""
            select relations.relname || '.' || attributes.attname as subject, null::numeric as amount,
                jsonb_build_object('type', format_type(attributes.atttypid, attributes.atttypmod)) as evidence,
                null::timestamptz as happened_at
            from pg_attribute as attributes
            inner join pg_class as relations on relations.oid = attributes.attrelid
            inner join pg_namespace as schemas on schemas.oid = relations.relnamespace
            where schemas.nspname = 'raw_storyforge'
            and relations.relkind in ('r', 'p')
            and not relations.relispartition
            and attributes.attnum > 0
            and (
                relations.relname = 'oauth_accounts'
                or attributes.attname in (
                    'email', 'password_hash', 'access_token', 'refresh_token', 'ip_hash'
                )
            )
        """,
        mutations=(
            Mutation(
                "password hashes are let in",
                "alter table raw_storyforge.users add column password_hash text",
            ),
            Mutation(
                "linked accounts are let in",
                "create table raw_storyforge.oauth_accounts (id uuid)",
            ),
        ),
    ),
)
