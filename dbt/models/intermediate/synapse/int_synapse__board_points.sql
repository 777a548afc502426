{{ config(meta={'follows': ['activity_log', 'users', 'user_stats', 'seasons']}) }}

with postings as (

    select
        *,
        -- `XP:<user>` or `STARS:<user>:<season>`
        split_part(account_id, ':', 2) as user_id,
        split_part(account_id, ':', 3) as season_id
    from {{ ref('fct_ledger_entries') }}
    where system = 'synapse'

),

messages as (

    select * from {{ ref('fct_events') }}
    where system = 'synapse' and event_type = 'message_create'

),

members as (

    select * from {{ ref('int_synapse__members_seen') }}

),

amounts as (

    select
        case postings.unit when 'XP' then 'xp' else 'season_stars' end as board,
        periods.period,
        postings.user_id as entity_id,
        postings.amount as points,
        postings.posted_at as happened_at,
        'posting' as cause_kind,
        postings.entry_id as cause_id
    from postings
    cross join lateral (values ('lifetime'), ('season:' || nullif(postings.season_id, ''))) as periods (period)
    where periods.period is not null

),

messages_written as (

    select
        'messages' as board,
        periods.period,
        messages.actor_id as entity_id,
        1 as points,
        messages.occurred_at as happened_at,
        'event' as cause_kind,
        messages.event_id as cause_id
    from messages
    cross join lateral (values ('lifetime'), ('season:' || messages.season_id)) as periods (period)
    where periods.period is not null

),

-- Whoever took part stands on the boards of what everybody can do, with nothing to begin with.
beginnings as (

    select
        boards.board,
        members.period,
        members.user_id as entity_id,
        0 as points,
        members.seen_at as happened_at,
        'entity' as cause_kind,
        members.user_id as cause_id
    from members
    cross join (values ('messages'), ('season_stars'), ('voice_minutes')) as boards (board)

),

points as (

    select * from amounts
    union all
    select * from messages_written
    union all
    select * from beginnings
    union all
    select * from {{ ref('int_synapse__rewards_scored') }}
    union all
    select * from {{ ref('int_synapse__scores_recorded') }}

)

select
    board,
    period,
    entity_id,
    {{ decimal('points') }} as points,
    {{ whole('null') }} as weight,
    {{ decimal('null') }} as tiebreak,
    happened_at,
    cause_kind,
    cause_id
from points
