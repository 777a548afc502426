"""What must hold of how StoryForge is moderated: E-14 to E-16."""

from expectations.rule import Mutation, Rule, Scope
from expectations.rules.storyforge import update_one

# New users, one of whom may be a reviewer, have every flag asked about.
FLAGS = Scope("storyforge_flags", {"moderation_flags": "id"})
FLAGGED = Scope(
    "storyforge_flagged",
    {
        "moderation_flags": "target_id",
        "ideas": "id",
        "scenes": "id",
        "segments": "id",
        "users": "id",
        "topics": "id",
        "user_topics": "id",
    },
)

RULES = (
    Rule(
        id="E-14",
        system="storyforge",
        title="A closed flag says when, how and by whom of the staff it was decided; a pending one does not.",
        severity="error",
        unit=None,
        tables=("moderation_flags", "users"),
        query="""
            select flags.id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'status', flags.status, 'action_taken', flags.action_taken,
                    'reviewed_at', flags.reviewed_at, 'reviewer_role', users.role
                ) as evidence,
                coalesce(flags.reviewed_at, flags.created_at) as happened_at
            from raw_storyforge.moderation_flags as flags
            left join raw_storyforge.users on users.id = flags.reviewed_by
            where in_scope(flags.id) and case
                when flags.status in ('resolved', 'dismissed')
                    then flags.reviewed_at is null or flags.action_taken is null
                    or coalesce(users.role, 'user') = 'user'
                when flags.status = 'pending'
                    then num_nonnulls(flags.reviewed_by, flags.reviewed_at, flags.action_taken) > 0
            end
        """,
        mutations=(
            Mutation(
                "a closed flag has no action",
                update_one("moderation_flags", "action_taken = null", "status = 'dismissed'"),
            ),
            Mutation(
                "a flag is closed by its author",
                update_one(
                    "moderation_flags",
                    "reviewed_by = (select id from raw_storyforge.users where role = 'user' limit 1)",
                    "status = 'dismissed'",
                ),
            ),
            Mutation(
                "a decided flag is pending",
                update_one("moderation_flags", "status = 'pending'", "status = 'dismissed'"),
            ),
        ),
        scope=FLAGS,
    ),
    # A topic is taken down by making it inactive; a user has no content of their own to remove.
    Rule(
        id="E-15",
        system="storyforge",
        title="What a flag names exists, and content whose newest flag removed it is removed.",
        severity="error",
        unit=None,
        tables=("moderation_flags", "ideas", "scenes", "segments", "users", "topics"),
        query="""
            with flags as (
                select
                    *,
                    row_number() over (
                        partition by target_type, target_id order by reviewed_at desc nulls last
                    ) as newest_first
                from raw_storyforge.moderation_flags
                where in_scope(moderation_flags.target_id)
            ),
            judged as (
                select
                    flags.*,
                    coalesce(
                        ideas.id, scenes.id, segments.id, users.id, topics.id, user_topics.id
                    ) is not null as is_known,
                    coalesce(
                        ideas.status = 'removed', scenes.status = 'removed', segments.status = 'removed',
                        not topics.is_active, true
                    ) as is_removed
                from flags
                left join raw_storyforge.ideas on target_type = 'idea' and ideas.id = target_id
                left join raw_storyforge.scenes on target_type = 'scene' and scenes.id = target_id
                left join raw_storyforge.segments on target_type = 'segment' and segments.id = target_id
                left join raw_storyforge.users on target_type = 'user' and users.id = target_id
                left join raw_storyforge.topics on target_type = 'topic' and topics.id = target_id
                left join raw_storyforge.user_topics on target_type = 'topic' and user_topics.id = target_id
            )
            select id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'target_type', target_type, 'target_id', target_id,
                    'action_taken', action_taken, 'is_known', is_known
                ) as evidence,
                coalesce(reviewed_at, created_at) as happened_at
            from judged
            where not is_known or (newest_first = 1 and action_taken = 'remove_content' and not is_removed)
        """,
        mutations=(
            Mutation(
                "content that a flag removes stays",
                update_one(
                    "moderation_flags",
                    "target_type = 'segment', action_taken = 'remove_content', reviewed_at = '2100-01-01',"
                    " target_id = (select id from raw_storyforge.segments where status = 'active' limit 1)",
                    "true",
                ),
            ),
            Mutation(
                "a flag names nothing",
                update_one("moderation_flags", "target_id = gen_random_uuid()", "true"),
            ),
        ),
        scope=FLAGGED,
    ),
    Rule(
        id="E-16",
        system="storyforge",
        title="Only an approved suggestion is promoted to a topic.",
        severity="error",
        unit=None,
        tables=("user_topics",),
        query="""
            select id::text as subject, null::numeric as amount,
                jsonb_build_object('status', status, 'promoted_to_topic_id', promoted_to_topic_id) as evidence,
                coalesce(reviewed_at, created_at) as happened_at
            from raw_storyforge.user_topics
            where promoted_to_topic_id is not null and status <> 'approved'
        """,
        mutations=(
            Mutation(
                "a promoted suggestion is rejected",
                update_one("user_topics", "status = 'rejected'", "promoted_to_topic_id is not null"),
            ),
        ),
    ),
)
